"""Weather over a finished scene: streaks of rain, flakes of snow, and fog that thickens towards the horizon.

Streaks and flakes always have the same positions: random ones would have to be learnt as noise.
"""

from __future__ import annotations

import random

import numpy as np
from PIL import Image, ImageDraw

from .brushes import SIZE, TINTS

HIDES_THE_SKY = ("rain", "snowfall")
_STREAKS, _FLAKES, _FALL = 44, 70, 18
"""Numbers of streaks and flakes, and the length of a streak in pixels."""


def over_background(image: Image.Image, weather: str, time: str) -> Image.Image:
    """Fog behind the objects, thickest at the horizon; RGB in and out. Other weather does not change the image."""
    if weather != "fog":
        return image
    rows = np.linspace(0, 1, image.height)
    return _veiled(image, time, 0.45 + 0.4 * np.exp(-(((rows - 0.55) / 0.2) ** 2)))


def over_all(image: Image.Image, weather: str, time: str) -> Image.Image:
    """Rain, snow or fog in front of everything; RGB in and out."""
    if weather == "fog":
        return _veiled(image, time, np.full(image.height, 0.22))
    if weather == "rain":
        return _rain(image)
    return _flakes(image) if weather == "snowfall" else image


def _veiled(image: Image.Image, time: str, thickness: np.ndarray) -> Image.Image:
    """Blend towards the colour of fog at `time`; `thickness` (H,) is 0..1 per row."""
    fog = np.array((226, 230, 234), np.float32) * np.array(TINTS[time], np.float32)
    share = thickness.astype(np.float32)[:, None, None]
    return Image.fromarray((np.asarray(image) * (1 - share) + fog * share).round().astype(np.uint8))


def _rain(image: Image.Image) -> Image.Image:
    rng = random.Random("rain")
    layer = Image.new("L", image.size)
    pen = ImageDraw.Draw(layer)
    for _ in range(_STREAKS):
        x, y = rng.randrange(SIZE), rng.randrange(SIZE)
        pen.line((x, y, x - _FALL // 3, y + _FALL), fill=150, width=2)
    image.paste((206, 220, 240), mask=layer)
    return image


def _flakes(image: Image.Image) -> Image.Image:
    rng = random.Random("snowfall")
    pen = ImageDraw.Draw(image)
    for _ in range(_FLAKES):
        x, y, radius = rng.randrange(SIZE), rng.randrange(SIZE), rng.choice((2, 3))
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=(250, 252, 255))
    return image
