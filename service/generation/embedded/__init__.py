"""The model that ships with Countermark."""
