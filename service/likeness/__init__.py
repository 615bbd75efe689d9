"""People: their face templates, what they allowed, and checks of images against both."""
