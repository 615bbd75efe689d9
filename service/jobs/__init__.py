"""Work that outlives its request: answers that are kept for a retry."""
