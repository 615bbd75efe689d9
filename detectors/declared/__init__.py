"""What unsigned metadata declares: a table of declarations, and the readers that find them in a file."""
