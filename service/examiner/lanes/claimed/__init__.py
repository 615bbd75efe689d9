"""What the file's Content Credential claims; if it has lost it, the credential that was issued with the image."""
