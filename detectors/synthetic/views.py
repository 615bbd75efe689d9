"""The classifiers' views of an image, the same in training and in production.

They were trained on 224 to 320 px crops of images reduced by .5 to .95. An image is therefore first brought to that
scale (`working_copy`). The encoder gets its centre (320 px); the network gets small crops at full resolution, where
the texture of a generator survives.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

RGB = NDArray[np.uint8]

REDUCTION = 0.7
SMALLEST, SMALLEST_REDUCED, LARGEST = 128, 512, 717
VIEW_SOURCE, VIEW = 320, 224
CROP = 192
LONGEST_RATIO = 3
_CROP_POSITIONS = ((0.5, 0.5), (0.05, 0.05), (0.05, 0.95), (0.95, 0.05), (0.95, 0.95))


def working_copy(rgb: RGB) -> RGB:
    """The image (uint8, H x W x 3) reduced to at most 717 px on its shorter side; 128 to 512 px are kept.

    Images longer than 3 : 1 are centre-cropped; those below 128 px are enlarged to the network's minimum.
    """
    rgb = _centre(rgb)
    height, width = rgb.shape[:2]
    short = min(height, width)
    target = _target(short)
    if target == short:
        return rgb
    size = (round(width * target / short), round(height * target / short))
    how = cv2.INTER_AREA if target < short else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(rgb, size, interpolation=how), np.uint8)


def _target(short: int) -> float:
    """The shorter side of the working copy of an image whose shorter side is `short`."""
    if short <= SMALLEST_REDUCED:
        return max(short, SMALLEST)
    return min(max(REDUCTION * short, SMALLEST_REDUCED), LARGEST)


def encoder_view(working: RGB) -> RGB:
    """The centre square, at most 320 px, resized to 224 x 224."""
    height, width = working.shape[:2]
    side = min(VIEW_SOURCE, height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = working[top : top + side, left : left + side]
    how = cv2.INTER_AREA if side > VIEW else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(square, (VIEW, VIEW), interpolation=how), np.uint8)


def crops(working: RGB) -> RGB:
    """Five crops (uint8, 5 x S x S x 3), S at most 192: the centre and near the corners."""
    height, width = working.shape[:2]
    side = min(CROP, height, width)
    corners = [(round((height - side) * y), round((width - side) * x)) for y, x in _CROP_POSITIONS]
    return np.stack([working[y : y + side, x : x + side] for y, x in corners])


def grid(working: RGB, stride: int) -> tuple[RGB, tuple[int, int]]:
    """Crops at every `stride` px, row by row (uint8, rows * columns x S x S x 3), and (rows, columns)."""
    height, width = working.shape[:2]
    side = min(CROP, height, width)
    tops, lefts = _steps(height - side, stride), _steps(width - side, stride)
    return np.stack([working[y : y + side, x : x + side] for y in tops for x in lefts]), (len(tops), len(lefts))


def tiles(working: RGB, stride: int) -> list[tuple[slice, slice]]:
    """Squares of at most 320 px, at every `stride` px, that cover the working copy."""
    height, width = working.shape[:2]
    side = min(VIEW_SOURCE, height, width)
    tops, lefts = _steps(height - side, stride), _steps(width - side, stride)
    return [(slice(top, top + side), slice(left, left + side)) for top in tops for left in lefts]


def _steps(room: int, stride: int) -> list[int]:
    """Start positions from 0 to `room`, evenly spaced, at most `stride` apart."""
    return [round(start) for start in np.linspace(0, room, -(-room // stride) + 1)]


def _centre(rgb: RGB) -> RGB:
    height, width = rgb.shape[:2]
    longest = LONGEST_RATIO * min(height, width)
    top, left = max(0, height - longest) // 2, max(0, width - longest) // 2
    return rgb[top : top + longest, left : left + longest]
