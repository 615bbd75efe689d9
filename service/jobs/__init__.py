"""Work that outlives its request: jobs in the database and their workers, and answers that are kept for a retry."""
