"""Unsigned metadata."""
