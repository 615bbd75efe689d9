"""Training of models/weights/prompts."""
