"""Parsing bytes from outside in processes that can be killed."""
