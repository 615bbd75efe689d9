"""Drawings that a working safety checker must distinguish."""

import numpy as np
from numpy.typing import NDArray

_CANARY_SIZE = 224


def canary(seed: int) -> NDArray[np.uint8]:
    """An abstract drawing (uint8, 224 x 224 x 3) of shaded skin-coloured ellipses, deterministic for each seed.

    Seed 876 shows nothing recognisable but scores 0.98 with open_nsfw; seed 614 scores 0.01. Both outcomes of the
    checker can thus be tested without shipping an image of a person.
    """
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:_CANARY_SIZE, 0:_CANARY_SIZE].astype(np.float32) / _CANARY_SIZE
    image = np.ones((_CANARY_SIZE, _CANARY_SIZE, 3), np.float32) * rng.uniform(40, 250, 3)
    for _ in range(rng.integers(3, 9)):
        centre_x, centre_y = rng.uniform(0.2, 0.8, 2)
        long, short = rng.uniform(0.08, 0.35, 2)
        tilt = rng.uniform(0, np.pi)
        u = (x - centre_x) * np.cos(tilt) + (y - centre_y) * np.sin(tilt)
        v = -(x - centre_x) * np.sin(tilt) + (y - centre_y) * np.cos(tilt)
        radius = (u / long) ** 2 + (v / short) ** 2
        shade = np.clip(1.15 - 0.5 * radius + 0.2 * u / long, 0.35, 1.25)[..., None]
        skin = np.array([225, 165, 135]) * rng.uniform(0.8, 1.1)
        inside = 1 / (1 + np.exp(np.clip((radius - 1) * 30, -60, 60)))[..., None]
        image = image * (1 - inside) + skin * shade * inside
    return np.clip(image, 0, 255).astype(np.uint8)
