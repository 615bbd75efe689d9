"""Plain margins: where on a page, a slide or between black bars the picture lies."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

_SIDE: Final = 512
"""Longest side of the copy that is looked at."""
_CONTRAST: Final = 12
"""Grey levels by which a pixel differs from the margin."""
_BUSY: Final = 0.02
"""Share of a row or column that must differ: dust and compression noise do not make a picture."""
_PLAIN: Final = 0.9
"""Share of the image's outermost pixels that have the margin's colour."""
_LARGEST: Final = 0.95
"""Share of the image above which leaving margins off changes nothing."""

Box = tuple[int, int, int, int]
"""Top, left, bottom, right, in pixels; the last two are outside."""


def without_margins(rgb: NDArray[np.uint8]) -> Box | None:
    """The part of `rgb` (uint8[H, W, 3]) inside its plain margins; None if there are none, or nothing is inside."""
    step = max(1, -(-max(rgb.shape[:2]) // _SIDE))
    grey = cv2.cvtColor(np.ascontiguousarray(rgb[::step, ::step]), cv2.COLOR_RGB2GRAY).astype(np.int16)
    edge = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    margin = int(np.median(edge))
    if np.mean(np.abs(edge - margin) < _CONTRAST) < _PLAIN:
        return None
    differs = np.abs(grey - margin) >= _CONTRAST
    rows, columns = (np.flatnonzero(differs.mean(axis=axis) > _BUSY) for axis in (1, 0))
    if not len(rows) or not len(columns):
        return None
    bounds = rows[0] * step, columns[0] * step, (rows[-1] + 1) * step, (columns[-1] + 1) * step
    top, left = int(bounds[0]), int(bounds[1])
    bottom, right = min(int(bounds[2]), rgb.shape[0]), min(int(bounds[3]), rgb.shape[1])
    if (bottom - top) * (right - left) > _LARGEST * rgb.shape[0] * rgb.shape[1]:
        return None
    return top, left, bottom, right
