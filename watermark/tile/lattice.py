"""Finding the template at any angle and scale: its frequencies stand out of the power spectrum wherever it lies.

The power spectrum of an image does not depend on where the tiles begin, and all keys of an epoch share the template's
frequencies. So one pass over a few ten thousand poses, each a sum of some dozen bins, finds the poses that deserve the
exact search. It hears only clear marks: sums of power need a mark twice as strong as correlation does.
"""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from watermark.tile.canvas import SHORT_SIDE, calm_weighted, resized
from watermark.tile.pattern import TILE, Layout
from watermark.tile.poses import Poses, linear_maps

_BINS: Final = 2 * SHORT_SIDE
"""Side of the spectrum. The canvas has a short side of 256 and a long side of at most 512 samples."""
_CONTINUUM: Final = 15
"""Bins over which the power is averaged to tell what stands out."""
_CLIP: Final = 8.0
"""Multiples of that average at which power is clipped: lines and edges of a page stand out far more than a mark."""
_LOW_RADIUS: Final = 11.5
"""Template frequencies used in the coarse pass, in cycles per tile: higher ones would ask for finer steps."""
_STEP: Final = 0.022
_TURN_STEP: Final = float(np.radians(1.25))
"""Steps of the coarse pass in scale, stretch and rotation: half of one moves the highest of these frequencies by half
of the width of its peak."""
_FINE: Final = np.arange(-2, 3) / 4
"""Parts of a step tried around the best poses of the coarse pass, with every frequency of the template."""
_COARSE_KEPT: Final = 250
KEPT: Final = 40
"""Poses handed on."""


class Lattice:
    """The poses of the wide search under one layout, and the bins that each looks at. Immutable."""

    def __init__(self, layout: Layout) -> None:
        sync = np.stack([layout.ky, layout.kx])[:, layout.sync].astype(np.float64)
        weight = np.square(layout.weight[layout.sync])
        low = np.hypot(*sync) <= _LOW_RADIUS
        self._sync, self._weight = sync, weight
        self._low, self._low_weight = sync[:, low], weight[low]
        self._poses = np.concatenate([_turned(), _stretched()])
        self._bins = np.concatenate(
            [_bins(self._poses[start : start + 2048], self._low) for start in range(0, len(self._poses), 2048)]
        )

    def poses(self, canvas: NDArray[np.float32]) -> Poses:
        """The poses under which the template's frequencies stand out most in `canvas` (float32[h, w], luma)."""
        power = _prominence(canvas)
        coarse = power.take(self._bins) @ self._low_weight
        best = self._poses[np.argpartition(-coarse, _COARSE_KEPT)[:_COARSE_KEPT]]
        moves = np.where(best[:, 2:3, None] != 0, _FINE_STRETCHES.T, _FINE_TURNS.T).swapaxes(1, 2)
        around = (best[:, None] + moves).reshape(-1, 4)
        fine = power.take(_bins(around, self._sync)) @ self._weight
        return around[_distinct(around, fine)]


def _prominence(canvas: NDArray[np.float32]) -> NDArray[np.float32]:
    """How much each bin stands out of its surroundings, smoothed by the uncertainty of a pose: float32[512 * 257]."""
    factor = SHORT_SIDE / min(canvas.shape)
    size = [min(_BINS, round(side * factor)) for side in canvas.shape]
    waves = np.fft.rfft2(calm_weighted(resized(canvas, *size)), s=(_BINS, _BINS))
    power = np.square(waves.real) + np.square(waves.imag)
    continuum = cv2.blur(power, (_CONTINUUM, _CONTINUUM), borderType=cv2.BORDER_REFLECT) + np.float32(1e-6)
    return np.ascontiguousarray(cv2.blur(np.minimum(power / continuum, np.float32(_CLIP)), (3, 3))).ravel()


def _bins(poses: Poses, band: NDArray[np.float64]) -> NDArray[np.int32]:
    """The bins of `band` (float64[2, S], cycles per tile) under each pose: int32[B, S]."""
    places = linear_maps(poses).astype(np.float32) @ (band * (_BINS / TILE)).astype(np.float32)
    places *= np.where(places[:, 1:] < 0, np.float32(-1), np.float32(1))
    limit = np.float32(_BINS // 2 - 2)  # beyond the canvas's own detail: nothing stands out there
    row, column = np.rint(np.clip(places, -limit, limit)).astype(np.int32).swapaxes(0, 1)
    return np.asarray((row & (_BINS - 1)) * (_BINS // 2 + 1) + column, np.int32)


def _distinct(poses: Poses, scores: NDArray[np.float32]) -> NDArray[np.intp]:
    """The best of `poses`, each at least two steps from every better one."""
    kept: list[int] = []
    for candidate in np.argsort(-scores):
        near = np.abs(poses[kept] - poses[candidate]) < (1.5 * _STEP, 1.5 * _TURN_STEP, 1.5 * _STEP, 0.5)
        if not near.all(axis=1).any():
            kept.append(int(candidate))
            if len(kept) == KEPT:
                break
    return np.array(kept, np.intp)


def _product(*axes: NDArray[np.float64]) -> Poses:
    return np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")], axis=1)


def _steps(low: float, high: float) -> NDArray[np.float64]:
    """Logarithms from `low` to `high`, evenly spaced in their inverse exponential, which sets the frequencies."""
    return np.asarray(-np.log(np.arange(np.exp(-high), np.exp(-low), _STEP)), np.float64)


def _turned() -> Poses:
    """At any angle, mirrored or not. Half of a turn is enough: power is the same under the other half."""
    turns = np.arange(0, np.pi, _TURN_STEP)
    return _product(_steps(np.log(0.5), np.log(2.4)), turns, np.zeros(1), np.array([0.0, 1.0]))


def _stretched() -> Poses:
    """Upright or on its side, with another aspect."""
    stretch = np.arange(np.log(0.45), np.log(2.2), _STEP)
    return _product(_steps(np.log(0.55), np.log(2.4)), np.array([0.0, np.pi / 2]), stretch, np.array([0.0, 1.0]))


_FINE_TURNS: Final = _product(_FINE * _STEP, _FINE * _TURN_STEP, np.zeros(1), np.zeros(1))
_FINE_STRETCHES: Final = _product(_FINE * _STEP, np.zeros(1), _FINE * _STEP, np.zeros(1))
