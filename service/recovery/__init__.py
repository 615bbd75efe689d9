"""Backups of an installation, their restoration, and the deletions that a restoration must not undo."""
