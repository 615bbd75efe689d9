"""Shared drawing helpers for backgrounds: the canvas, light by time of day, gradients and discs."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from .vocabulary import RGB

SIZE = 256
SCALE = 2
CANVAS = SIZE * SCALE
"""Backgrounds are drawn at twice the size and averaged down for smooth edges."""

SKIES: dict[str, tuple[RGB, RGB]] = {
    "day": ((74, 158, 242), (206, 234, 252)),
    "sunset": ((104, 66, 152), (255, 176, 96)),
    "night": ((9, 13, 48), (44, 58, 118)),
}
TINTS: dict[str, tuple[float, float, float]] = {
    "day": (1.0, 1.0, 1.0),
    "sunset": (0.98, 0.82, 0.74),
    "night": (0.46, 0.52, 0.76),
}


def tint(colour: RGB, time: str) -> RGB:
    """A surface colour under the light of `time`."""
    red, green, blue = (round(c * k) for c, k in zip(colour, TINTS[time], strict=True))
    return red, green, blue


def gradient(top: RGB, bottom: RGB, height: int, until: int) -> Image.Image:
    """A CANVAS-wide vertical gradient of `height` rows that reaches `bottom` at row `until`."""
    blend = np.clip(np.arange(height) / max(until, 1), 0, 1)[:, None]
    rows = np.array(top) * (1 - blend) + np.array(bottom) * blend
    return Image.fromarray(np.repeat(rows[:, None], CANVAS, 1).round().astype(np.uint8))


def disc(pen: ImageDraw.ImageDraw, x: float, y: float, radius: float, colour: RGB) -> None:
    """Draw a filled circle; positions and lengths in pixels of the canvas."""
    pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
