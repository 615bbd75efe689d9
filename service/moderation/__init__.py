"""Images that must not pass, notices about them, and appeals."""
