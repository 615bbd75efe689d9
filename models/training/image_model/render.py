"""Render a scene to pixels."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from . import backgrounds, sprites, styles, weather
from .brushes import SIZE, TINTS
from .objects import OBJECTS
from .scenes import Scene, Thing

# Three sizes, one ground line and one position for each arrangement, all multiples of the autoencoder's cells: a sprite
# then has nearly the same latents wherever it stands. Every variant of an object has to be learnt: with two sizes, two
# ground lines, five positions and mirrored sprites (forty variants of each) 4,600 steps gave blobs, and a position that
# no word describes becomes a blur while the denoiser only has the words.
CELL = 8
FOOT, LIFT = 232, 16
"""Row on which objects stand, and the height of floating objects above it, in pixels."""
SINGLE, PAIR, TRIPLE = 176, 120, 80
"""Side of a sprite's square, by the number of sprites in the image."""
STACK_LEFT, OVERLAP = 64, 0.1
"""For "on": the left edge of both, and the share of the lower object's height that the upper one overlaps."""
FRONT_LEFT, BACK_LEFT, BACK_FOOT = 40, 104, 200
"""For "behind": the left edges, and the row on which the rear one stands."""


@dataclass(frozen=True)
class Placed:
    """A sprite's square of side `size` in pixels, by its left edge and its bottom."""

    thing: Thing
    left: int
    foot: int
    size: int
    shadow: bool = True

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Left, top, right and bottom in pixels."""
        return self.left, self.foot - self.size, self.left + self.size, self.foot


def placements(scene: Scene, heights: tuple[float, ...] = (1.0, 1.0)) -> list[Placed]:
    """The positions of the objects, back to front. `heights`: the share of its square's height each sprite fills."""
    if not scene.things:
        return []
    first, second = scene.things[0], scene.things[-1]
    if scene.arrangement == "on":
        lift = round(PAIR * heights[1] * (1 - OVERLAP) / CELL) * CELL
        return [
            Placed(second, STACK_LEFT, FOOT, PAIR),
            Placed(first, STACK_LEFT, FOOT - lift, PAIR, shadow=False),
        ]
    if scene.arrangement == "behind":
        return [Placed(first, BACK_LEFT, BACK_FOOT, PAIR), Placed(second, FRONT_LEFT, FOOT, PAIR)]
    if scene.arrangement == "left of":
        return [_standing(first, 8, PAIR), _standing(second, SIZE - 8 - PAIR, PAIR)]
    size = {1: SINGLE, 2: PAIR, 3: TRIPLE}[scene.count]
    if scene.count == 1:
        return [_standing(first, (SIZE - size) // 2, size)]
    step = (SIZE - 16 - size) // (scene.count - 1)
    return [_standing(first, 8 + step * number, size) for number in range(scene.count)]


def standing(scene: Scene, sprite_folder: Path) -> list[Placed]:
    """`placements` of the sprites in `sprite_folder`."""
    heights = tuple(sprites.filled_height(sprite_folder, thing.kind) for thing in scene.things)
    return placements(scene, heights)


def render(scene: Scene, sprite_folder: Path) -> Image.Image:
    """The 256 x 256 RGB image of `scene`, deterministic."""
    overcast = scene.weather in weather.HIDES_THE_SKY
    image = backgrounds.draw(scene.setting, scene.time, scene.backdrop, overcast, random.Random(scene.seed))
    image = weather.over_background(image, scene.weather, scene.time)
    for placed in standing(scene, sprite_folder):
        sprite = sprites.load(sprite_folder, placed.thing.kind, placed.thing.colour, placed.size)
        if placed.shadow:
            _shadow(image, placed)
        image.paste(_lit(sprite, scene.time), placed.box[:2], sprite)
    return styles.apply(weather.over_all(image, scene.weather, scene.time), scene.style)


def _standing(thing: Thing, left: int, size: int) -> Placed:
    return Placed(thing, left, FOOT - LIFT * OBJECTS[thing.kind].floats, size)


def _shadow(image: Image.Image, placed: Placed) -> None:
    """A soft contact shadow on the ground below the object."""
    mask = Image.new("L", image.size)
    ground = placed.foot + LIFT * OBJECTS[placed.thing.kind].floats
    size = placed.size
    box = (placed.left + size * 0.14, ground - size * 0.06, placed.left + size * 0.86, ground + size * 0.05)
    ImageDraw.Draw(mask).ellipse(box, fill=100)
    image.paste((12, 14, 34), mask=mask.filter(ImageFilter.BoxBlur(4)))


def _lit(sprite: Image.Image, time: str) -> Image.Image:
    """The sprite under the light of `time`, dimmed less than the ground so that its colours stay recognisable."""
    gain = np.array([*(0.45 + 0.55 * k for k in TINTS[time]), 1.0], np.float32)
    return Image.fromarray((np.asarray(sprite) * gain).round().astype(np.uint8), "RGBA")
