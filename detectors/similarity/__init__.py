"""Perceptual hashes."""
