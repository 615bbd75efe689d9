"""Countermark's own watermark, `org.countermark.tile.2` and `.1`: embedding, search and payload."""
