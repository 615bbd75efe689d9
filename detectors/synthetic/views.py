"""What the classifiers are shown of a picture: the same at training and at work.

They were trained on 224 to 320 px crops of pictures reduced by .5 to .95. So a picture is first brought to that
scale (`working_copy`), and then seen twice: once whole by the encoder (the middle 320 px), and in small crops at
full resolution by the network, where a generator's texture is left.
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
_PLACES = ((0.5, 0.5), (0.05, 0.05), (0.05, 0.95), (0.95, 0.05), (0.95, 0.95))


def working_copy(rgb: RGB) -> RGB:
    """The picture (uint8, H x W x 3) reduced to at most 717 px on its shorter side; 128 to 512 px stay as they are.

    Of pictures longer than 3 : 1 only the middle is kept; what is below 128 px is enlarged, for the network's sake.
    """
    rgb = _middle(rgb)
    height, width = rgb.shape[:2]
    short = min(height, width)
    target = _target(short)
    if target == short:
        return rgb
    size = (round(width * target / short), round(height * target / short))
    how = cv2.INTER_AREA if target < short else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(rgb, size, interpolation=how), np.uint8)


def _target(short: int) -> float:
    """The shorter side of the working copy of a picture whose shorter side is `short`."""
    if short <= SMALLEST_REDUCED:
        return max(short, SMALLEST)
    return min(max(REDUCTION * short, SMALLEST_REDUCED), LARGEST)


def encoder_view(working: RGB) -> RGB:
    """The middle square, at most 320 px, as 224 x 224."""
    height, width = working.shape[:2]
    side = min(VIEW_SOURCE, height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = working[top : top + side, left : left + side]
    how = cv2.INTER_AREA if side > VIEW else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(square, (VIEW, VIEW), interpolation=how), np.uint8)


def crops(working: RGB) -> RGB:
    """Five crops (uint8, 5 x S x S x 3), S at most 192: the middle and near the corners."""
    height, width = working.shape[:2]
    side = min(CROP, height, width)
    corners = [(round((height - side) * y), round((width - side) * x)) for y, x in _PLACES]
    return np.stack([working[y : y + side, x : x + side] for y, x in corners])


def grid(working: RGB, stride: int) -> tuple[RGB, tuple[int, int]]:
    """Crops at every `stride` px, row by row (uint8, rows * columns x S x S x 3), and (rows, columns)."""
    height, width = working.shape[:2]
    side = min(CROP, height, width)
    tops, lefts = _steps(height - side, stride), _steps(width - side, stride)
    return np.stack([working[y : y + side, x : x + side] for y in tops for x in lefts]), (len(tops), len(lefts))


def _steps(room: int, stride: int) -> list[int]:
    """Starts from 0 to `room`, evenly spaced, at most `stride` apart."""
    return [round(start) for start in np.linspace(0, room, -(-room // stride) + 1)]


def _middle(rgb: RGB) -> RGB:
    height, width = rgb.shape[:2]
    longest = LONGEST_RATIO * min(height, width)
    top, left = max(0, height - longest) // 2, max(0, width - longest) // 2
    return rgb[top : top + longest, left : left + longest]
