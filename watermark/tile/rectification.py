"""Undoing the geometry of a found grid: the image as the canonical one it was marked as, tile beside tile."""

from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from watermark.tile.canvas import scaled
from watermark.tile.pattern import TILE
from watermark.tile.poses import linear_maps

_MAX_TILES = 40
"""Tiles along a side of the rectified image. What lies beyond is left out: no pose of the search reaches it."""

_ALIASING = 1.1
"""Samples of the canvas per sample of the plane from which the canvas is made smaller first."""


@dataclass(frozen=True, slots=True)
class Rectification:
    """The affine map between a canvas and the plane of its tiles. Points are (down, right)."""

    to_canvas: NDArray[np.float64]
    """float64[2, 2]: from samples of the plane to samples of the canvas."""
    origin: NDArray[np.float64]
    """float64[2]: where on the canvas the plane's first tile begins."""
    first: tuple[int, int]
    """Row and column of that tile, counted from the grid's own first tile."""
    size: tuple[int, int]
    """(height, width) of the part of the plane that covers the canvas, in samples; whole tiles."""

    @classmethod
    def of(
        cls,
        shape: tuple[int, ...],
        pose: NDArray[np.float64],
        shift: tuple[float, float],
        reference: tuple[float, float],
    ) -> Self:
        """For a canvas of `shape` whose tiles lie under `pose`, `shift` samples of a tile from `reference`."""
        pitch = min(shape) * TILE / 256
        to_canvas = np.linalg.inv(linear_maps(pose[None])[0].T * (TILE / pitch))
        corners = np.array([[0, 0], [0, shape[1]], [shape[0], 0], [shape[0], shape[1]]], np.float64)
        plane = np.linalg.solve(to_canvas, (corners - reference).T).T - shift
        first = np.floor(plane.min(axis=0) / TILE + 1e-6)
        tiles = np.minimum(np.ceil(plane.max(axis=0) / TILE - 1e-6) - first, _MAX_TILES).astype(int)
        origin = to_canvas @ (first * TILE + shift) + reference
        return cls(to_canvas, origin, (int(first[0]), int(first[1])), (int(tiles[0]) * TILE, int(tiles[1]) * TILE))

    @property
    def shrinking(self) -> float:
        """How many samples of the canvas one of the plane stands for."""
        return float(np.sqrt(abs(np.linalg.det(self.to_canvas))))

    def straightened(
        self, image: NDArray[np.float32], canvas_shape: tuple[int, ...], *, border: int = cv2.BORDER_CONSTANT
    ) -> NDArray[np.float32]:
        """`image`, the canvas or a smaller copy of it, on the plane: float32[size]."""
        ratio: NDArray[np.float64] = np.divide(image.shape, canvas_shape)
        linear: NDArray[np.float64] = ratio[:, None] * self.to_canvas
        return self._warped(image, linear, (self.origin + 0.5) * ratio - 0.5, self.size, border)

    def on_canvas(self, plane: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.float32]:
        """An image of the plane (float32[size]) on a canvas of `shape`: float32[shape]."""
        back = np.asarray(np.linalg.inv(self.to_canvas), np.float64)
        return self._warped(plane, back, -back @ self.origin, (shape[0], shape[1]), cv2.BORDER_CONSTANT)

    @staticmethod
    def _warped(
        image: NDArray[np.float32],
        linear: NDArray[np.float64],
        start: NDArray[np.float64],
        size: tuple[int, int],
        border: int,
    ) -> NDArray[np.float32]:
        matrix = np.column_stack([linear[::-1, ::-1], start[::-1]])  # OpenCV's points are (right, down)
        flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
        return np.asarray(cv2.warpAffine(image, matrix, size[::-1], flags=flags, borderMode=border), np.float32)


def at_plane_scale(image: NDArray[np.float32], rectification: Rectification) -> NDArray[np.float32]:
    """`image` of the canvas, made smaller if the plane is coarser, so that straightening it aliases nothing."""
    return scaled(image, 1 / rectification.shrinking) if rectification.shrinking > _ALIASING else image
