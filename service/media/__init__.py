"""Image files: decoding, encoding, heatmaps."""
