"""Where the marked image lies in the one that its mark was read from."""

from itertools import product

import numpy as np
from numpy.typing import NDArray

from watermark.tile.candidates import Candidate
from watermark.tile.canvas import canonical_side
from watermark.tile.pattern import TILE
from watermark.tile.positions import PERIOD


def placements(candidate: Candidate, issued: tuple[int, int]) -> list[NDArray[np.float64]]:
    """As `Reading.placements`; only those that put a part of the marked image into the view."""
    view = candidate.view
    plane, frame = candidate.plane, np.array(issued) * canonical_side(min(issued)) / min(issued)
    tiles = [side // TILE for side in plane.size], [int(-(-side // TILE)) for side in frame]
    known = candidate.offset or (None, None)
    rows, columns = (_firsts(known[axis], tiles[0][axis], tiles[1][axis]) for axis in (0, 1))
    ratio = np.array(view.seen) / view.canvas.shape
    linear = ratio[:, None] * plane.to_canvas * frame
    found = []
    for first in product(rows, columns):
        start = plane.to_canvas @ (-0.5 - np.array(first) * TILE) + plane.origin
        moved = (start + 0.5) * ratio - 0.5 + view.corner
        found.append(np.column_stack([linear[::-1, ::-1], moved[::-1]]))  # (right, down)
    return found


def _firsts(known: int | None, seen: int, marked: int) -> list[int]:
    """Rows (or columns) of the marked image, of `marked` tiles, where a plane of `seen` tiles may begin."""
    possible = range(1 - seen, marked)
    return [first for first in possible if known is None or (first - known) % PERIOD == 0]
