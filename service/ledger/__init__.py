"""What was issued and decided."""
