"""Undoing a tilt or a shear before the search: it looks for scales, turns and aspects, which a photographed print or
screen does not keep.

Eight tilts cover perspectives of up to about eight degrees, twelve steeper ones of up to eleven, and two shears those
of up to seven per cent, in any direction: between two of them the search finds what is left.
"""

from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from watermark.tile.candidates import View
from watermark.tile.coverage import CELL
from watermark.tile.reading import Reading

_DISTANCE: Final = 2
"""How far away the camera is, in halves of the shorter side."""
_TILT: Final = 0.06
_STEEP_TILT: Final = 0.085
"""Change of scale per half of the shorter side: seven and ten degrees at that distance."""
_DIRECTIONS: Final = 8
_STEEP_DIRECTIONS: Final = 12
"""Directions of each. Neighbours of a steeper tilt are further apart, so it needs more of them."""
_SHEAR: Final = 0.045


@dataclass(frozen=True)
class Tilt:
    """One projective map from the straightened image to the image, about its centre, in halves of its shorter side."""

    matrix: NDArray[np.float64]
    """float64[3, 3], for points (right, down, 1)."""

    def straightened(self, view: View) -> View:
        """`view` with this tilt undone; what lies outside is filled with the nearest pixels."""
        size = view.canvas.shape[1], view.canvas.shape[0]
        flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
        canvas = cv2.warpPerspective(view.canvas, self._about(size), size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
        return replace(view, canvas=np.asarray(canvas, np.float32))

    def told(self, reading: Reading, view: View) -> Reading:
        """`reading`, which was found in the straightened view, in the places of `view`."""
        return replace(
            reading,
            _compute_coverage=partial(self._coverage, reading, view),
            _place=partial(self._placed, reading, view),
        )

    def _about(self, size: tuple[float, float]) -> NDArray[np.float64]:
        """The map for an image of `size` (right, down), in its own units: float64[3, 3]."""
        half = min(size) / 2
        centred = np.array([[half, 0, size[0] / 2 - 0.5], [0, half, size[1] / 2 - 0.5], [0, 0, 1]])
        return np.asarray(centred @ self.matrix @ np.linalg.inv(centred), np.float64)

    def _coverage(self, reading: Reading, view: View) -> NDArray[np.float32]:
        """As `Reading.coverage`; cells that the straightened image did not show are NaN."""
        cells = reading.coverage
        size = view.seen[1] / CELL, view.seen[0] / CELL
        corner = np.array([[1, 0, view.corner[1] / CELL], [0, 1, view.corner[0] / CELL], [0, 0, 1]])
        matrix = corner @ self._about(size) @ np.linalg.inv(corner)
        shape = cells.shape[1], cells.shape[0]
        return np.asarray(cv2.warpPerspective(cells, matrix, shape, borderValue=float("nan")), np.float32)

    def _placed(self, reading: Reading, view: View, issued: tuple[int, int]) -> list[NDArray[np.float64]]:
        """As `Reading.placements`: affine maps, so only near the centre of the issued image exact."""
        size, corner = (float(view.seen[1]), float(view.seen[0])), np.array(view.corner[::-1], np.float64)
        matrix = self._about(size)
        return [self._near_centre(matrix, place, corner) for place in reading.placements(issued)]

    @staticmethod
    def _near_centre(
        matrix: NDArray[np.float64], place: NDArray[np.float64], corner: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """`place` (float64[2, 3]) and then `matrix`, as an affine map that is exact at the issued image's centre."""
        middle = np.array([0.5, 0.5])
        point = place[:, :2] @ middle + place[:, 2] - corner
        right, down, depth = matrix @ np.array([*point, 1.0])
        moved = np.array([right, down]) / depth
        slope = (matrix[:2, :2] - np.outer(moved, matrix[2, :2])) / depth
        linear = slope @ place[:, :2]
        return np.column_stack([linear, moved + corner - linear @ middle])


def _tilted(direction: float) -> Tilt:
    """Smaller on one side and larger on the other, along `direction` in radians."""
    matrix = np.eye(3)
    matrix[2, :2] = _TILT * np.cos(direction), _TILT * np.sin(direction)
    return Tilt(matrix)


def _sheared(shear: float) -> Tilt:
    matrix = np.eye(3)
    matrix[0, 1] = shear
    return Tilt(matrix)


def _steep(direction: float) -> Tilt:
    """As a camera sees a plane that is turned about an axis across `direction`: also shorter along it."""
    along = np.array([np.cos(direction), np.sin(direction)])
    cosine = np.sqrt(1 - (_DISTANCE * _STEEP_TILT) ** 2)
    matrix = np.eye(3)
    matrix[:2, :2] -= (1 - cosine) * np.outer(along, along)
    matrix[2, :2] = _STEEP_TILT * along
    return Tilt(matrix)


TILTS: Final = (
    *(_tilted(2 * np.pi * number / _DIRECTIONS) for number in range(_DIRECTIONS)),
    *(_steep(2 * np.pi * number / _STEEP_DIRECTIONS) for number in range(_STEEP_DIRECTIONS)),
    _sheared(_SHEAR),
    _sheared(-_SHEAR),
)
