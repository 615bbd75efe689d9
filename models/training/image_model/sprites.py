"""Sprites: loaded from the npm package, recoloured if the object takes a colour, and resized."""

from __future__ import annotations

import colorsys
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from .objects import OBJECTS, ObjectKind
from .vocabulary import COLOURS


@cache
def load(folder: Path, kind: str, colour: str | None, size: int) -> Image.Image:
    """The RGBA sprite of `kind`, cropped to its outline, `size` px on its longer side, aligned to the bottom."""
    image = _cropped(folder, kind)
    if colour is not None:
        image = recolour(image, OBJECTS[kind], colour)
    side = max(image.size)
    square = Image.new("RGBA", (side, side))
    square.paste(image, ((side - image.width) // 2, side - image.height))
    # Premultiplied alpha keeps the colour of transparent pixels out of the edges when resizing.
    return square.convert("RGBa").resize((size, size), Image.Resampling.LANCZOS).convert("RGBA")


@cache
def filled_height(folder: Path, kind: str) -> float:
    """Height of the sprite of `kind` as a share of its longer side, 0..1."""
    image = _cropped(folder, kind)
    return image.height / max(image.size)


@cache
def _cropped(folder: Path, kind: str) -> Image.Image:
    image = Image.open(folder / f"{OBJECTS[kind].code}.webp").convert("RGBA")
    return image.crop(image.getchannel("A").point(lambda a: 255 if a > 24 else 0).getbbox())


def recolour(image: Image.Image, kind: ObjectKind, colour: str) -> Image.Image:
    """Recolour the parts of an RGBA sprite whose hue is in `kind.hues` with the named colour, keeping the shading."""
    pixels = np.asarray(image, np.float32) / 255
    rgb, alpha = pixels[..., :3], pixels[..., 3]
    mask = _hue_mask(rgb, kind) * (alpha > 0)
    light = rgb @ np.array([0.3, 0.59, 0.11], np.float32)
    weight = mask * alpha
    shade = light / max(float((light * weight).sum() / max(weight.sum(), 1e-6)), 1e-3)
    target = np.array(COLOURS[colour], np.float32) / 255
    dark = target * shade[..., None]
    bright = target + (1 - target) * np.clip((shade[..., None] - 1) * 0.7, 0, 1)
    painted = np.where(shade[..., None] <= 1, dark, bright)
    mixed = rgb * (1 - mask[..., None]) + painted * mask[..., None]
    out = np.concatenate([mixed, alpha[..., None]], axis=-1)
    return Image.fromarray((out.clip(0, 1) * 255).round().astype(np.uint8), "RGBA")


def _hue_mask(rgb: np.ndarray, kind: ObjectKind) -> np.ndarray:
    """Soft membership, 0..1, of each pixel of `rgb` (H, W, 3 in 0..1) in the hue ranges of `kind`."""
    high, low = rgb.max(-1), rgb.min(-1)
    saturation = np.where(high > 0, (high - low) / np.maximum(high, 1e-6), 0)
    hue = np.vectorize(lambda r, g, b: colorsys.rgb_to_hsv(r, g, b)[0] * 360, otypes=[np.float32])(
        rgb[..., 0], rgb[..., 1], rgb[..., 2]
    )
    mask = np.zeros_like(high)
    for centre, half_width in kind.hues:
        distance = np.abs((hue - centre + 180) % 360 - 180)
        mask = np.maximum(mask, np.clip((half_width + 8 - distance) / 8, 0, 1))
    result: np.ndarray = mask * np.clip((saturation - kind.min_saturation) / 0.1, 0, 1)
    return result
