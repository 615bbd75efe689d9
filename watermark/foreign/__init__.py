"""Watermarks of other systems."""
