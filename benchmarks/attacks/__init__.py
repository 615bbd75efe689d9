"""Attacks that were tried on the service, each as a function that says whether it still works."""
