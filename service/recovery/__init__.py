"""Backups of an installation, their restoration, the deletions that a restoration must not undo, and new vault keys."""
