"""Where in an image its mark is still present: painting over or inpainting an area removes it there.

The decoded mark is generated again, transformed like the image (rotation and scale), and compared with it locally. A
single cell carries little evidence: in a 512 px image a 32 x 32 cell holds a fiftieth of what decoding uses, so
neighbours are averaged and the map shows regions, not outlines.
"""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from watermark.tile.canvas import local_contrast, resized, whitened
from watermark.tile.embedding import visibility
from watermark.tile.pattern import TILE
from watermark.tile.poses import linear_maps

CELL: Final = 32
"""Side of a cell of the map, in pixels of the image."""
_BLUR_SIGMA: Final = 11.0
"""Averaging over neighbours, in samples of the canonical image: areas below about a thirtieth of it do not show."""
_FULL_QUANTILE: Final = 0.75
"""The quarter of the image where the mark is strongest counts as fully marked; the rest is relative to it."""


def coverage_map(canvas: NDArray[np.float32], mark: NDArray[np.float32], cells: tuple[int, int]) -> NDArray[np.float32]:
    """The share of the mark left in each cell of `canvas` (float32[h, w], luma): float32[cells], in [0, 1].

    `mark` (float32[h, w]) is what was added to the canvas, before masking.
    """
    expected = mark * visibility(canvas) / local_contrast(canvas)
    agreeing = cv2.GaussianBlur(whitened(canvas) * expected, (0, 0), _BLUR_SIGMA)
    possible = cv2.GaussianBlur(expected * expected, (0, 0), _BLUR_SIGMA)
    share = resized(np.asarray(agreeing / (possible + 1e-12), dtype=np.float32), *cells)
    full = max(float(np.quantile(share, _FULL_QUANTILE)), 1e-9)
    return np.asarray(np.clip(share / full, 0.0, 1.0), dtype=np.float32)


def placed_tile(
    tile: NDArray[np.float32],
    pose: NDArray[np.float64],
    shift: tuple[float, float],
    reference: tuple[float, float],
    shape: tuple[int, ...],
) -> NDArray[np.float32]:
    """`tile` (float32[64, 64]) repeated over an image of `shape` under `pose`: float32[shape].

    The tile's origin lies `shift` tile samples (down, right) from `reference`, a point of the image.
    """
    pitch = min(shape) * TILE / 256
    down, right = np.mgrid[: shape[0], : shape[1]].astype(np.float64)
    places = np.stack([down - reference[0], right - reference[1]])
    to_tile = linear_maps(pose[None])[0].T * (TILE / pitch)
    rows, columns = np.einsum("ij,jhw->ihw", to_tile, places) - np.array(shift)[:, None, None]
    padded = np.pad(tile, ((0, 1), (0, 1)), mode="wrap")
    within = (rows % TILE).astype(np.float32), (columns % TILE).astype(np.float32)
    return np.asarray(cv2.remap(padded, within[1], within[0], cv2.INTER_LINEAR), dtype=np.float32)
