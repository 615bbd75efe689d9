"""Our own watermark, `org.countermark.tile.1`: embedding, search, payload."""
