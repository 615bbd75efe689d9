"""Perceptual hashes and the exact search for near ones."""
