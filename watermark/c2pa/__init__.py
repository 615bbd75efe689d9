"""C2PA: credentials, manifests, certificates."""
