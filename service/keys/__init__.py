"""Signing keys, watermark keys and sealed storage."""
