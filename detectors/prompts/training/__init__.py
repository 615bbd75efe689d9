"""The recipe of models/weights/prompts."""
