"""Pictures for the watermark tests: bundled photographs, and flat cartoons drawn on the spot."""

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage import data

Rgb = NDArray[np.uint8]

PHOTOS = ("astronaut", "chelsea", "coffee", "rocket")
"""Inside the scikit-image wheel: nothing is downloaded."""


def photo(name: str, width: int = 512, height: int = 512) -> Rgb:
    """The largest part of a photograph with that aspect, at that size."""
    picture: Rgb = getattr(data, name)()
    factor = min(picture.shape[0] / height, picture.shape[1] / width)
    part = picture[: round(height * factor), : round(width * factor)]
    return resized(part, width, height)


def cartoon(seed: int, side: int = 256) -> Rgb:
    """Flat shapes with smooth edges on a flat sky and ground."""
    chance = np.random.default_rng(seed)
    big = 4 * side
    sky, ground, *colours = chance.integers(20, 256, (2 + 2 + seed % 5, 3)).tolist()
    canvas = np.full((big, big, 3), sky, np.uint8)
    canvas[int(big * 0.65) :] = ground
    for colour in colours:
        centre = chance.integers(big // 5, 4 * big // 5, 2).tolist()
        axes = chance.integers(big // 20, big // 4, 2).tolist()
        cv2.ellipse(canvas, centre, axes, 0, 0, 360, colour, -1)
    return resized(canvas, side, side)


def resized(rgb: Rgb, width: int, height: int) -> Rgb:
    shrinks = height < rgb.shape[0]
    result: Rgb = cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
    return result


def psnr(one: Rgb, other: Rgb) -> float:
    """In dB, over all channels."""
    return float(10 * np.log10(255**2 / np.mean((one.astype(np.float64) - other) ** 2)))
