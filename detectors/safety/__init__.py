"""Unsafe content in pixels."""
