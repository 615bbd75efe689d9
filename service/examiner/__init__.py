"""From any file to a report of what it claims, carries, matches and probably is."""
