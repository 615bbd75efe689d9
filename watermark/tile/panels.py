"""Pictures within a picture: the rectangles of a collage, a screenshot or a page that may each be a whole image.

The edge of a pasted picture is a straight line, one pixel sharp, along which nearly every pixel differs from its
neighbour across. Textures and objects have such lines for a few pixels only. So long lines are looked for in both
directions, and rectangles that have one on every side.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from watermark.tile.margins import Box

_SIDE: Final = 1024
"""Longest side of the copy that is looked at."""
_CONTRAST: Final = 7.0
"""Grey levels, across two pixels, from which there is an edge."""
_OUTSTANDING: Final = 2.0
_BESIDE: Final = 17
"""Multiples of the mean contrast of so many places beside it that an edge must reach: textures have none that do."""
_USUAL: Final = 0.4
"""Share of a line's pixels that must be edges: more than any texture has along a straight line."""
_SHORTEST: Final = 0.12
"""Shortest line, in shares of the copy's shorter side."""
_LINES: Final = 14
"""Lines kept in each direction, beside the borders of the image."""
_SUPPORT: Final = 0.45
"""Share of each side of a rectangle that must be an edge."""
_APART: Final = 3
"""Pixels of the copy within which two lines are the same."""
_SMALLEST: Final = 80
"""Shortest side of a rectangle, in pixels of the copy."""
_LARGEST: Final = 0.95
"""Share of the image above which a rectangle is the image itself."""
_ALIKE: Final = 0.9
"""Overlap, as intersection over union, from which two rectangles are the same."""


@dataclass(frozen=True, slots=True)
class _Lines:
    """Lines across one direction: where they are, and how many edge pixels lie along each up to every place."""

    places: NDArray[np.intp]
    counts: NDArray[np.float32]
    """float32[lines, length + 1], cumulative; the borders of the image count in full."""

    def support(self, low: NDArray[np.intp], high: NDArray[np.intp]) -> NDArray[np.float32]:
        """The share of each line that is an edge between `low` and `high` (intp[m]): float32[lines, m]."""
        return np.asarray((self.counts[:, high] - self.counts[:, low]) / np.maximum(high - low, 1), np.float32)


def panels(rgb: NDArray[np.uint8], most: int) -> list[Box]:
    """Rectangles within `rgb` (uint8[H, W, 3]) that may each be a picture, at most `most`; the clearest first."""
    grey = cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2GRAY)
    factor = max(1.0, max(grey.shape) / _SIDE)
    if factor > 1:
        size = round(grey.shape[1] / factor), round(grey.shape[0] / factor)
        grey = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)
    if min(grey.shape) < _SMALLEST:
        return []
    upright, level = _lines(grey), _lines(np.ascontiguousarray(grey.T))
    found = _rectangles(upright, level, grey.shape)
    ratio = rgb.shape[0] / grey.shape[0], rgb.shape[1] / grey.shape[1]
    return [_enlarged(box, ratio, rgb.shape) for box in found[:most]]


def _lines(grey: NDArray[np.uint8]) -> _Lines:
    """The longest upright lines of `grey` (uint8[h, w])."""
    edges = _edges(grey)
    height, width = edges.shape[0], edges.shape[1] - 1
    scores = _longest_runs(edges)
    scores[0] = scores[-1] = 0
    kept = [0, width]
    for place in np.argsort(-scores):
        if scores[place] < _SHORTEST * min(height, width) * (1 - _USUAL) or len(kept) == _LINES + 2:
            break
        if min(abs(place - other) for other in kept) >= _APART:
            kept.append(int(place))
    places = np.sort(np.array(kept, np.intp))
    counts = np.zeros((len(places), height + 1), np.float32)
    counts[:, 1:] = np.cumsum(edges[:, places].T, axis=1)
    counts[[0, -1]] = np.arange(height + 1)
    return _Lines(places, counts)


def _edges(grey: NDArray[np.uint8]) -> NDArray[np.float32]:
    """1 where a pixel differs from its left neighbour, and more than pixels beside them do: float32[h, w + 1].

    A line may be blurred over two pixels, so places beside an edge count as well.
    """
    step = np.zeros((grey.shape[0], grey.shape[1] + 1), np.float32)
    step[:, 2:-2] = np.abs(cv2.filter2D(grey, cv2.CV_32F, np.array([[-1, -1, 1, 1]], np.float32) / 2)[:, 2:-1])
    least = np.maximum(_OUTSTANDING * cv2.blur(step, (_BESIDE, 1)), np.float32(_CONTRAST))
    peaks = (step >= cv2.dilate(step, np.ones((1, 5), np.uint8))) & (step >= least)
    return np.asarray(cv2.dilate(peaks.astype(np.uint8), np.ones((1, 3), np.uint8)), np.float32)


def _longest_runs(edges: NDArray[np.float32]) -> NDArray[np.float32]:
    """The best sum over any run of rows of edges less the usual share, for each column: float32[w + 1]."""
    gains = edges - np.float32(_USUAL)
    run = np.zeros(edges.shape[1], np.float32)
    best = np.zeros(edges.shape[1], np.float32)
    for row in gains:
        np.maximum(run + row, 0, out=run)
        np.maximum(best, run, out=best)
    return best


def _rectangles(upright: _Lines, level: _Lines, shape: tuple[int, ...]) -> list[Box]:
    """Rectangles with an edge on every side, in pixels of an image of `shape`; the clearest first."""
    columns, rows = _pairs(upright.places), _pairs(level.places)
    if not len(columns) or not len(rows):
        return []
    left, right = upright.places[columns[:, 0]], upright.places[columns[:, 1]]
    top, bottom = level.places[rows[:, 0]], level.places[rows[:, 1]]
    sides = upright.support(top, bottom), level.support(left, right)
    support = np.minimum(
        np.minimum(sides[0][columns[:, 0]], sides[0][columns[:, 1]]),  # [columns, rows]
        np.minimum(sides[1][rows[:, 0]], sides[1][rows[:, 1]]).T,
    )
    area = (right - left)[:, None] * (bottom - top)[None] / (shape[0] * shape[1])
    support[area > _LARGEST] = 0
    found: list[Box] = []
    for place in np.argsort(-support, axis=None, kind="stable"):
        column, row = divmod(int(place), len(rows))
        if support[column, row] < _SUPPORT:
            break
        box = int(top[row]), int(left[column]), int(bottom[row]), int(right[column])
        if all(_overlap(box, other) < _ALIKE for other in found):
            found.append(box)
    return found


def _pairs(places: NDArray[np.intp]) -> NDArray[np.intp]:
    """The pairs of lines that are far enough apart: intp[n, 2]."""
    first, second = np.triu_indices(len(places), 1)
    wide = places[second] - places[first] >= _SMALLEST
    return np.stack([first[wide], second[wide]], axis=1)


def _overlap(one: Box, other: Box) -> float:
    """Intersection over union."""
    high = min(one[2], other[2]) - max(one[0], other[0])
    wide = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(high, 0) * max(wide, 0)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return shared / (sum(areas) - shared)


def _enlarged(box: Box, ratio: tuple[float, float], shape: tuple[int, ...]) -> Box:
    top, left, bottom, right = (round(place * ratio[number % 2]) for number, place in enumerate(box))
    return max(top, 0), max(left, 0), min(bottom, shape[0]), min(right, shape[1])
