"""Countermark's own watermark, `org.countermark.tile.1`: embedding, search and payload."""
