"""What unsigned metadata declares."""
