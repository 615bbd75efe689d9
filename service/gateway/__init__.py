"""From an order to a released image, or a refusal."""
