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

# One size, one foot line and few places, all whole cells of the autoencoder: the same sprite then has nearly the same
# latents wherever it stands. With two sizes, two foot lines, five places and mirrored sprites (forty variants of each
# object) 4,600 steps gave blobs.
SPRITE_SIZE = 176
SHIFTS = (-32, 0, 32)
FOOT_LINE, FLOATING_LINE = 232, 216
EMPTY_SHARE, STUDIO_SHARE, COLOURED_SHARE = 0.05, 0.28, 0.75
COLOURABLE_WEIGHT = 2.5
TIME_WEIGHTS = {"day": 0.44, "sunset": 0.28, "night": 0.28}


@dataclass(frozen=True)
class Scene:
    """The facts of one picture. `kind` None is an empty landscape; `backdrop` is set for studios only.

    `shift` is how far right of the middle the object stands, in pixels.
    """

    kind: str | None
    colour: str | None
    setting: str
    backdrop: str | None
    time: str
    shift: int
    seed: int

    @property
    def object_box(self) -> tuple[int, int, int, int] | None:
        """Left, top, right and bottom of the object's square in pixels; None for an empty landscape."""
        if self.kind is None:
            return None
        left = (SIZE - SPRITE_SIZE) // 2 + self.shift
        bottom = FLOATING_LINE if OBJECTS[self.kind].floats else FOOT_LINE
        return left, bottom - SPRITE_SIZE, left + SPRITE_SIZE, bottom


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
    return Scene(kind, colour, setting, backdrop, time, rng.choice(SHIFTS), rng.getrandbits(32))


def render(scene: Scene, sprite_folder: Path) -> Image.Image:
    """The 256 x 256 RGB picture of `scene`; the same scene gives the same picture."""
    image = backgrounds.draw(scene.setting, scene.time, scene.backdrop, random.Random(scene.seed))
    if scene.kind is None or scene.object_box is None:
        return image
    left, top, _, _ = scene.object_box
    sprite = sprites.load(sprite_folder, scene.kind, scene.colour, SPRITE_SIZE)
    _shadow(image, left)
    image.paste(_lit(sprite, scene.time), (left, top), sprite)
    return image


def _shadow(image: Image.Image, left: int) -> None:
    """A soft contact shadow on the ground below the object."""
    mask = Image.new("L", image.size)
    size = SPRITE_SIZE
    box = (left + size * 0.14, FOOT_LINE - size * 0.06, left + size * 0.86, FOOT_LINE + size * 0.05)
    ImageDraw.Draw(mask).ellipse(box, fill=100)
    image.paste((12, 14, 34), mask=mask.filter(ImageFilter.BoxBlur(4)))


def _lit(sprite: Image.Image, time: str) -> Image.Image:
    """The sprite under the light of `time`, less dimmed than the ground so that its colours still read."""
    gain = np.array([*(0.45 + 0.55 * k for k in TINTS[time]), 1.0], np.float32)
    return Image.fromarray((np.asarray(sprite) * gain).round().astype(np.uint8), "RGBA")
