"""Procedural backgrounds: sky, sun or moon, and ground, drawn at twice the size and averaged down."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw

from . import interiors
from .brushes import CANVAS, SCALE, SIZE, SKIES, disc, gradient, tint
from .vocabulary import COLOURS, RGB, STUDIO

# Under rain and snowfall the clouds hide sun, moon and stars.
OVERCAST: dict[str, tuple[RGB, RGB]] = {
    "day": ((134, 146, 162), (196, 204, 212)),
    "sunset": ((112, 84, 112), (222, 160, 122)),
    "night": ((18, 20, 36), (52, 56, 78)),
}
HORIZON = 0.58


def draw(setting: str, time: str, backdrop: str | None, overcast: bool, rng: random.Random) -> Image.Image:
    """A 256 x 256 RGB background for `setting` at `time`; a studio has a `backdrop` colour instead of a time."""
    if setting == STUDIO:
        assert backdrop is not None
        return _studio(COLOURS[backdrop], rng)
    if setting == "room":
        return interiors.draw(time).reduce(SCALE)
    horizon = int(HORIZON * CANVAS)
    canvas = gradient(*(OVERCAST if overcast else SKIES)[time], CANVAS, horizon)
    if not overcast:
        _lights(canvas, time, horizon, rng)
    GROUNDS[setting](canvas, time, horizon, rng)
    return canvas.reduce(SCALE)


def _studio(colour: RGB, rng: random.Random) -> Image.Image:
    """A seamless paper backdrop, lit from above and slightly darker towards the corners."""
    y, x = np.mgrid[0:SIZE, 0:SIZE] / SIZE
    light = 1.04 - 0.3 * ((x - rng.choice((0.4, 0.5, 0.6))) ** 2 + (y - 0.4) ** 2)
    return Image.fromarray((np.array(colour) * light[..., None]).clip(0, 255).round().astype(np.uint8))


SKY_BODY = 0.14
"""Position of sun and moon, as a share of the width. With two possible sides the denoiser generated two suns."""


def _lights(canvas: Image.Image, time: str, horizon: int, rng: random.Random) -> None:
    """Sun and clouds, a setting sun with its glow, or moon and stars."""
    pen = ImageDraw.Draw(canvas)
    if time == "night":
        for _ in range(26):
            x, y, r = rng.random() * CANVAS, rng.random() * horizon * 0.9, rng.choice((1.5, 2.2))
            disc(pen, x, y, r, (238, 238, 222))
        disc(pen, SKY_BODY * CANVAS, 0.14 * CANVAS, 0.065 * CANVAS, (248, 242, 212))
    elif time == "sunset":
        x, y = SKY_BODY * CANVAS, horizon - 0.03 * CANVAS
        for radius, colour in ((0.19, (255, 188, 108)), (0.145, (255, 204, 118)), (0.1, (255, 232, 150))):
            disc(pen, x, y, radius * CANVAS, colour)
    else:
        disc(pen, SKY_BODY * CANVAS, 0.14 * CANVAS, 0.085 * CANVAS, (255, 240, 170))
        disc(pen, SKY_BODY * CANVAS, 0.14 * CANVAS, 0.065 * CANVAS, (255, 222, 88))
        for place in (0.24, 0.76):
            _cloud(pen, (place + rng.uniform(-0.08, 0.08)) * CANVAS, rng.uniform(0.12, 0.34) * CANVAS, rng)


def _cloud(pen: ImageDraw.ImageDraw, x: float, y: float, rng: random.Random) -> None:
    unit = rng.uniform(0.035, 0.05) * CANVAS
    for dx, dy, radius in ((-1.3, 0.1, 0.8), (0, -0.3, 1.1), (1.3, 0.05, 0.85)):
        disc(pen, x + dx * unit, y + dy * unit, radius * unit, (250, 253, 255))
    pen.rounded_rectangle((x - 2.1 * unit, y, x + 2.15 * unit, y + 0.9 * unit), unit * 0.45, (250, 253, 255))


def _hill(canvas: Image.Image, top: float, rise: float, phase: float, near: RGB, far: RGB) -> None:
    """Ground with a gently waving edge around row `top`, shaded from `far` (edge) to `near` (bottom)."""
    edge = [(x, top - rise * math.sin(phase + 2 * math.pi * x / CANVAS / 1.6)) for x in range(0, CANVAS + 16, 16)]
    mask = Image.new("L", (CANVAS, CANVAS))
    ImageDraw.Draw(mask).polygon([*edge, (CANVAS + 16, CANVAS), (0, CANVAS)], fill=255)
    start = int(max(0, top - rise))
    body = Image.new("RGB", (CANVAS, CANVAS))
    body.paste(gradient(far, near, CANVAS - start, CANVAS - start), (0, start))
    canvas.paste(body, mask=mask)


def _meadow(canvas: Image.Image, time: str, horizon: int, rng: random.Random) -> None:
    turn = rng.random() * 6.3
    _hill(canvas, horizon, 18, turn, tint((84, 170, 76), time), tint((140, 205, 104), time))
    _hill(canvas, horizon + 56, 14, turn + 2.4, tint((74, 166, 64), time), tint((112, 196, 82), time))
    pen = ImageDraw.Draw(canvas)
    for _ in range(14):
        x, y = rng.random() * CANVAS, rng.uniform(horizon + 84, CANVAS - 8)
        colour = rng.choice(((252, 250, 240), (252, 214, 84), (246, 140, 170)))
        disc(pen, x, y, 4.5, tint(colour, time))


def _beach(canvas: Image.Image, time: str, horizon: int, rng: random.Random) -> None:
    sea = gradient(tint((28, 122, 200), time), tint((92, 200, 222), time), CANVAS - horizon, 110)
    canvas.paste(sea, (0, horizon))
    turn = rng.random() * 6.3
    _hill(canvas, horizon + 96, 8, turn, tint((244, 248, 246), time), tint((250, 252, 250), time))
    _hill(canvas, horizon + 106, 8, turn, tint((240, 206, 140), time), tint((250, 226, 170), time))


def _snow(canvas: Image.Image, time: str, horizon: int, rng: random.Random) -> None:
    turn = rng.random() * 6.3
    pen = ImageDraw.Draw(canvas)
    for slot in range(9):
        x, height = (slot + rng.uniform(0.2, 0.8)) * CANVAS / 9, rng.uniform(46, 76)
        _pine(pen, x, horizon + 8, height, tint((92, 136, 142), time))
    _hill(canvas, horizon, 12, turn, tint((226, 236, 250), time), tint((244, 249, 255), time))
    _hill(canvas, horizon + 60, 12, turn + 2.4, tint((236, 243, 253), time), tint((252, 254, 255), time))


def _pine(pen: ImageDraw.ImageDraw, x: float, foot: float, height: float, colour: RGB) -> None:
    for level in range(2):
        base, half = foot - level * height * 0.36, height * (0.36 - 0.08 * level)
        pen.polygon([(x - half, base), (x, base - height * 0.64), (x + half, base)], fill=colour)


def _desert(canvas: Image.Image, time: str, horizon: int, rng: random.Random) -> None:
    turn = rng.random() * 6.3
    _hill(canvas, horizon - 6, 26, turn, tint((214, 140, 74), time), tint((238, 178, 104), time))
    _hill(canvas, horizon + 34, 20, turn + 2.2, tint((226, 156, 84), time), tint((246, 196, 122), time))
    _hill(canvas, horizon + 92, 16, turn + 4.0, tint((236, 176, 100), time), tint((252, 214, 144), time))


def _mountains(canvas: Image.Image, time: str, horizon: int, rng: random.Random) -> None:
    pen = ImageDraw.Draw(canvas)
    for centre, tall in ((0.08, 0.8), (0.92, 0.9), (0.5, 1.1)):
        x = (centre + rng.uniform(-0.08, 0.08)) * CANVAS
        height, half = tall * rng.uniform(0.3, 0.36) * CANVAS, 0.34 * CANVAS
        top = horizon - height
        pen.polygon([(x - half, horizon + 8), (x, top), (x + half, horizon + 8)], fill=tint((126, 136, 166), time))
        pen.polygon([(x, top), (x + half, horizon + 8), (x, horizon + 8)], fill=tint((102, 110, 144), time))
        cap = [(x, top)] + [
            (x + half * 0.3 * k, top + height * (0.3 + d))
            for k, d in ((1, 0), (0.45, -0.06), (0, 0.04), (-0.45, -0.06), (-1, 0))
        ]
        pen.polygon(cap, fill=tint((248, 251, 255), time))
    _hill(canvas, horizon + 8, 8, rng.random() * 6.3, tint((80, 150, 84), time), tint((122, 186, 104), time))


def _city(canvas: Image.Image, time: str, horizon: int, rng: random.Random) -> None:
    pen = ImageDraw.Draw(canvas)
    palette = ((132, 142, 172), (172, 132, 122), (110, 124, 150), (186, 164, 140))
    glass = (255, 224, 128) if time != "day" else (206, 230, 248)
    x, previous = 0, -1
    while x < CANVAS:
        width = rng.choice((64, 80, 96))
        height = rng.choice((0.26, 0.34, 0.42)) * CANVAS
        previous = rng.choice([i for i in range(len(palette)) if i != previous])
        pen.rectangle((x, horizon - height, x + width, horizon + 20), fill=tint(palette[previous], time))
        for row in range(int(horizon - height) + 14, horizon - 14, 30):
            for column in range(x + 10, x + width - 14, 24):
                pen.rectangle((column, row, column + 11, row + 15), fill=glass)
        x += width
    _street(canvas, time, horizon, rng)


def _street(canvas: Image.Image, time: str, horizon: int, rng: random.Random) -> None:
    """Pavement and a road with its dashed line."""
    pen, road = ImageDraw.Draw(canvas), horizon + 22
    pen.rectangle((0, horizon, CANVAS, road), fill=tint((196, 194, 190), time))
    canvas.paste(gradient(tint((116, 118, 128), time), tint((92, 94, 104), time), CANVAS - road, 200), (0, road))
    for left in range(rng.choice((-60, -20)), CANVAS, 128):
        pen.rectangle((left, road + 84, left + 68, road + 92), fill=tint((240, 236, 214), time))


def _forest(canvas: Image.Image, time: str, horizon: int, rng: random.Random) -> None:
    """Two rows of tall dark pines and a shaded floor."""
    pen = ImageDraw.Draw(canvas)
    pen.rectangle((0, horizon - 60, CANVAS, CANVAS), fill=tint((30, 68, 48), time))
    for slots, tall, colour in ((8, 190, (64, 116, 84)), (6, 236, (36, 84, 58))):
        for slot in range(slots):
            x, height = (slot + rng.uniform(0.35, 0.65)) * CANVAS / slots, tall * rng.uniform(0.92, 1.08)
            pen.rectangle((x - 7, horizon - 40, x + 7, horizon + 24), fill=tint((92, 66, 48), time))
            _pine(pen, x, horizon + 4, height, tint(colour, time))
    _hill(canvas, horizon + 14, 6, rng.random() * 6.3, tint((58, 84, 44), time), tint((92, 122, 60), time))


def _lake(canvas: Image.Image, time: str, horizon: int, rng: random.Random) -> None:
    """Wooded hills on the far shore, still water, and a green bank."""
    turn = rng.random() * 6.3
    _hill(canvas, horizon - 44, 18, turn, tint((58, 112, 88), time), tint((88, 140, 110), time))
    water = gradient(tint((120, 176, 214), time), tint((64, 128, 184), time), CANVAS - horizon, 130)
    canvas.paste(water, (0, horizon))
    pen = ImageDraw.Draw(canvas)
    for row in (26, 58):
        for left in range(rng.choice((20, 60)), CANVAS, 150):
            pen.line((left, horizon + row, left + 70, horizon + row), fill=tint((196, 224, 240), time), width=5)
    _hill(canvas, horizon + 112, 8, turn, tint((70, 142, 66), time), tint((120, 188, 92), time))


GROUNDS: dict[str, Callable[[Image.Image, str, int, random.Random], None]] = {
    "meadow": _meadow,
    "beach": _beach,
    "snow": _snow,
    "desert": _desert,
    "mountains": _mountains,
    "city": _city,
    "forest": _forest,
    "lake": _lake,
}
