"""Detection of unsafe content in pixels."""
