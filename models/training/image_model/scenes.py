"""Scenes: what is in a training picture, drawn at random, and how it is put together."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from . import backgrounds, sprites
from .backgrounds import SIZE, TINTS
from .vocabulary import COLOURS, OBJECT_COLOURS, OBJECTS, PLACES

# Sizes and places are multiples of 16 px, and so of the autoencoder's cell: the same sprite then has nearly the same
# latents wherever it stands, which a small network learns in a fraction of the steps and draws more sharply.
SPRITE_SIZES = (144, 176)
SHIFTS = (-32, -16, 0, 16, 32)
FOOT_LINES = (224, 240)
EMPTY_SHARE, STUDIO_SHARE, COLOURED_SHARE = 0.05, 0.28, 0.75
COLOURABLE_WEIGHT = 2.5
TIME_WEIGHTS = {"day": 0.44, "sunset": 0.28, "night": 0.28}


@dataclass(frozen=True)
class Scene:
    """The facts of one picture. `kind` None is an empty landscape; `backdrop` is set for studios only."""

    kind: str | None
    colour: str | None
    setting: str
    backdrop: str | None
    time: str
    seed: int


def sample(rng: random.Random) -> Scene:
    """Draws one scene; objects that take colours come more often, for they have more to show."""
    setting = "studio" if rng.random() < STUDIO_SHARE else rng.choice(list(PLACES))
    backdrop = rng.choice(list(COLOURS)) if setting == "studio" else None
    time = "day" if backdrop else rng.choices(list(TIME_WEIGHTS), list(TIME_WEIGHTS.values()))[0]
    kind: str | None = None
    colour: str | None = None
    if rng.random() >= EMPTY_SHARE:
        weights = [COLOURABLE_WEIGHT if kind.hues else 1.0 for kind in OBJECTS.values()]
        kind = rng.choices(list(OBJECTS), weights)[0]
        if OBJECTS[kind].hues and rng.random() < COLOURED_SHARE:
            colour = rng.choice([c for c in OBJECT_COLOURS if c != backdrop])
    return Scene(kind, colour, setting, backdrop, time, rng.getrandbits(32))


def render(scene: Scene, sprite_folder: Path) -> Image.Image:
    """The 256 x 256 RGB picture of `scene`; the same scene gives the same picture."""
    rng = random.Random(scene.seed)
    image = backgrounds.draw(scene.setting, scene.time, scene.backdrop, rng)
    if scene.kind is None:
        return image
    size, flip = rng.choice(SPRITE_SIZES), rng.random() < 0.5
    sprite = sprites.load(sprite_folder, scene.kind, scene.colour, size, flip)
    left = (SIZE - size) // 2 + rng.choice(SHIFTS)
    foot = rng.choice(FOOT_LINES)
    _shadow(image, left, size, foot)
    lift = 16 if OBJECTS[scene.kind].floats else 0
    image.paste(_lit(sprite, scene.time), (left, foot - lift - size), sprite)
    return image


def _shadow(image: Image.Image, left: int, size: int, foot: int) -> None:
    """A soft contact shadow on the ground below the object."""
    mask = Image.new("L", image.size)
    box = (left + size * 0.14, foot - size * 0.06, left + size * 0.86, foot + size * 0.05)
    ImageDraw.Draw(mask).ellipse(box, fill=100)
    image.paste((12, 14, 34), mask=mask.filter(ImageFilter.BoxBlur(4)))


def _lit(sprite: Image.Image, time: str) -> Image.Image:
    """The sprite under the light of `time`, less dimmed than the ground so that its colours still read."""
    gain = np.array([*(0.45 + 0.55 * k for k in TINTS[time]), 1.0], np.float32)
    return Image.fromarray((np.asarray(sprite) * gain).round().astype(np.uint8), "RGBA")
