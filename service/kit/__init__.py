"""Shared by every other package: errors, settings, time and logs."""
