"""C2PA Content Credentials: signing, validation, manifests and certificates."""
