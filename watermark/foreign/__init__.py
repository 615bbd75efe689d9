"""Third-party watermarks."""
