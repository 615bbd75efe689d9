"""Rendering styles applied to a finished image: watercolour, pixel art and pencil sketch."""

from __future__ import annotations

import cv2
import numpy as np
from PIL import Image

BLOCK, LEVELS = 4, 6
"""Pixel art: side of a block in pixels, and levels per colour channel."""


def apply(image: Image.Image, style: str) -> Image.Image:
    """`image` (RGB) in `style`; `plain` returns it unchanged."""
    paint = {"watercolour": _watercolour, "pixel art": _pixel_art, "sketch": _sketch}.get(style)
    return image if paint is None else Image.fromarray(paint(np.asarray(image)))


def _watercolour(rgb: np.ndarray) -> np.ndarray:
    """Flat washes with darker rims on white paper, which is visible at the edge."""
    flat = cv2.medianBlur(cv2.bilateralFilter(rgb, 9, 60, 9), 9).astype(np.float32)
    rims = np.abs(cv2.GaussianBlur(flat, (0, 0), 1.2) - cv2.GaussianBlur(flat, (0, 0), 4)).mean(-1, keepdims=True)
    washed = 255 - (255 - flat) * 0.86 - rims * 1.1
    side = np.abs(np.linspace(-1, 1, rgb.shape[0]))
    edge = np.clip((1 - np.maximum(side[:, None], side[None])) / 0.1, 0, 1)[..., None]
    result: np.ndarray = (255 - (255 - washed.clip(0, 255)) * (edge * edge * (3 - 2 * edge))).round().astype(np.uint8)
    return result


def _pixel_art(rgb: np.ndarray) -> np.ndarray:
    """Blocks of one colour each, from a small palette."""
    height, width, _ = rgb.shape
    blocks = rgb.reshape(height // BLOCK, BLOCK, width // BLOCK, BLOCK, 3).mean((1, 3))
    step = 255 / (LEVELS - 1)
    coarse = (np.round(blocks / step) * step).round().astype(np.uint8)
    result: np.ndarray = coarse.repeat(BLOCK, 0).repeat(BLOCK, 1)
    return result


def _sketch(rgb: np.ndarray) -> np.ndarray:
    """Grey pencil: lines where the tone changes (colour dodge with a blurred copy), over light shading."""
    grey = cv2.bilateralFilter(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), 7, 40, 7).astype(np.float32)
    softened = 255 - cv2.GaussianBlur(255 - grey, (0, 0), 4)
    lines = np.clip(grey * 255 / np.maximum(softened, 24), 0, 255)
    drawn = np.minimum(lines, 252) * (0.62 + 0.38 * grey / 255)
    return np.repeat(drawn.clip(0, 255).round().astype(np.uint8)[..., None], 3, -1)
