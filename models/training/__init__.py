"""Recipes of the weights we ship. Not part of the wheel."""
