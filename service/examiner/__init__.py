"""Reports on any image file: what it claims, carries, matches and probably is."""
