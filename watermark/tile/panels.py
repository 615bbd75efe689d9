"""Pictures within a picture: the rectangles of a collage, a screenshot or a page that may each be a whole image.

The edge of a pasted picture is a straight line, one pixel sharp, along which nearly every pixel differs from its
neighbour across. Textures and objects have such lines for a few pixels only. So long lines are looked for in both
directions, and rectangles that have one on every side. Pages and screens consist of few plain colours, with text on
them: there, what has none of these colours over a larger area is a picture, and what has much of them is none.
"""

from collections.abc import Iterable
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
_LINES: Final = 24
"""Lines kept in each direction, beside the borders of the image."""
_SUPPORT: Final = 0.45
"""Share of each side of a rectangle that must be an edge."""
_APART: Final = 3
"""Pixels of the copy within which two lines are the same."""
_SMALLEST: Final = 80
"""Shortest side of a rectangle, in pixels of the copy."""
_LARGEST: Final = 0.95
"""Share of the image above which a rectangle is the image itself."""
_COMMON: Final = 0.04
"""Share of all pixels from which a grey level, with its neighbours, is a plain colour of a page."""
_PAGE: Final = 0.45
"""Share of the image in plain colours from which it is a page or a screen."""
_PAPER: Final = 0.35
"""Share of plain pixels from which a rectangle shows the page and no picture."""
_SOLID: Final = 40
"""Side of the smallest square, in pixels of the copy, that a picture covers without a gap: text has gaps."""
_FILLED: Final = 0.9
"""Share of a row or column that belongs to a picture, at its edges."""
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
    plain = _plain(grey)
    upright, level = _lines(grey), _lines(np.ascontiguousarray(grey.T))
    found = _distinct([*_solid(plain), *_rectangles(upright, level, plain, most)], most)
    ratio = rgb.shape[0] / grey.shape[0], rgb.shape[1] / grey.shape[1]
    return [_enlarged(box, ratio, rgb.shape) for box in found]


def _plain(grey: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Where a page or screen `grey` (uint8[h, w]) has one of its plain colours: bool[h, w]; nowhere in photographs."""
    share = np.bincount(grey.ravel(), minlength=256) / grey.size
    nearby = np.convolve(share, np.ones(3), "same")
    common = np.convolve(nearby >= _COMMON, np.ones(3), "same") > 0
    plain = np.asarray(common[grey], np.bool_)
    return plain if plain.mean() >= _PAGE else np.zeros_like(plain)


def _solid(plain: NDArray[np.bool_]) -> list[Box]:
    """The bounds of areas of a page that are nowhere plain, the largest first; none if nothing is plain."""
    if not plain.any():
        return []
    closed = cv2.morphologyEx((~plain).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    opened = cv2.morphologyEx(closed, cv2.MORPH_OPEN, np.ones((_SOLID, _SOLID), np.uint8))
    _, _, areas, _ = cv2.connectedComponentsWithStats(opened, connectivity=4)
    boxes = [_trimmed(~plain, int(y), int(x), int(y + high), int(x + wide)) for x, y, wide, high, _ in areas[1:]]
    return sorted(
        (box for box in boxes if min(box[2] - box[0], box[3] - box[1]) >= _SMALLEST),
        key=lambda box: (box[0] - box[2]) * (box[3] - box[1]),
    )


def _trimmed(solid: NDArray[np.bool_], top: int, left: int, bottom: int, right: int) -> Box:
    """The box without rows and columns at its edges that are mostly not `solid`: text and labels that touch it."""
    part = solid[top:bottom, left:right]
    columns = np.flatnonzero(part.mean(axis=0) >= _FILLED)
    if not len(columns):
        return 0, 0, 0, 0
    rows = np.flatnonzero(part[:, columns[0] : columns[-1] + 1].mean(axis=1) >= _FILLED)
    if not len(rows):
        return 0, 0, 0, 0
    return top + int(rows[0]), left + int(columns[0]), top + int(rows[-1]) + 1, left + int(columns[-1]) + 1


def _distinct(boxes: Iterable[Box], most: int) -> list[Box]:
    """The first `most` of those that are not nearly the same."""
    found: list[Box] = []
    for box in boxes:
        if all(_overlap(box, other) < _ALIKE for other in found):
            found.append(box)
            if len(found) == most:
                break
    return found


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


def _rectangles(upright: _Lines, level: _Lines, plain: NDArray[np.bool_], most: int) -> list[Box]:
    """Rectangles with an edge on every side that are not `plain` (bool[h, w]), at most `most`; the clearest first."""
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
    area = (right - left)[:, None] * (bottom - top)[None]
    total = cv2.integral(plain.astype(np.uint8))
    corners = [total[one[None], other[:, None]] for one in (top, bottom) for other in (left, right)]
    paper = corners[3] - corners[1] - corners[2] + corners[0]
    support[(area > _LARGEST * plain.size) | (paper > _PAPER * area)] = 0
    places = np.flatnonzero(support >= _SUPPORT)
    order = places[np.argsort(-support.ravel()[places], kind="stable")]
    found = ((int(place) // len(rows), int(place) % len(rows)) for place in order)
    boxes = ((int(top[row]), int(left[column]), int(bottom[row]), int(right[column])) for column, row in found)
    return _distinct(boxes, most)


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
