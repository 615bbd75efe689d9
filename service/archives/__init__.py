"""Whole archives: every file of a folder, a zip or tar archive or an object store, examined into one table."""
