"""Image files: decoding, encoding and heatmaps."""
