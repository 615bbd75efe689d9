"""Poses: the geometric hypotheses for the search of the tile grid, and their linear maps."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from watermark.tile.canvas import SHORT_SIDE, SMALL_SHORT_SIDE

Poses = NDArray[np.float64]
"""float64[B, 4], one hypothesis per row: log scale (relative to the canonical pitch), rotation in radians
(counter-clockwise), log stretch (width over height), and 1 if mirrored, else 0."""

STEP: Final = 0.011
"""Step in scale and stretch: half of it moves the template's highest frequencies by about one radian at the border
of the canonical image."""
TURN_STEP: Final = float(np.radians(0.5))
"""Step in rotation, in radians, by the same criterion."""


def linear_maps(poses: Poses) -> NDArray[np.float64]:
    """float64[B, 2, 2]: tile frequency (ky, kx) to image frequency (fy, fx), in units of 1 / canonical pitch."""
    log_scale, turn, log_stretch, mirrored = poses.T
    cosine, sine = np.cos(turn), np.sin(turn)
    flip = 1 - 2 * mirrored
    rotation = np.stack([np.stack([cosine, -sine * flip], -1), np.stack([sine, cosine * flip], -1)], -2)
    stretch = np.exp(np.stack([log_stretch / 2, -log_stretch / 2], -1) - log_scale[:, None])
    return np.asarray(stretch[:, :, None] * rotation, dtype=np.float64)


def same(one: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    """Whether two poses describe the same grid, up to the accuracy of the search."""
    apart = np.abs(one - other)
    apart[1] = min(apart[1], 2 * np.pi - apart[1])
    return bool((apart < 0.02).all())


def _product(*axes: NDArray[np.float64]) -> Poses:
    return np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")], axis=1)


def _log_scales(low: float, high: float, step: float = STEP) -> NDArray[np.float64]:
    """Log scales from `low` to `high`, evenly spaced in 1 / scale, which determines the template's frequencies."""
    return np.asarray(-np.log(np.arange(1 / high, 1 / low + step / 2, step)), dtype=np.float64)


def _evenly(reach: float, step: float) -> NDArray[np.float64]:
    """Values from -`reach` to `reach`, `step` apart, including 0."""
    count = round(reach / step)
    return np.arange(-count, count + 1, dtype=np.float64) * step


def _upright() -> Poses:
    """Resized, cropped or padded, in all eight orientations (padded: only upright)."""
    quarter_turns, mirrors = np.arange(4) * np.pi / 2, np.array([0.0, 1.0])
    cropped = _product(_log_scales(0.97, _MOST_CROPPED), quarter_turns, _NONE, mirrors)
    return np.concatenate([cropped, _product(_log_scales(_MOST_PADDED, 0.97), _NONE, _NONE, _NONE)])


def _turned() -> Poses:
    """Slightly rotated with the frame kept, mirrored or not; or rotated and trimmed."""
    kept = _product(_ISSUED, _evenly(np.radians(10), TURN_STEP), _NONE, np.array([0.0, 1.0]))
    trimmed = _product(_log_scales(0.96, 1.6), _evenly(np.radians(7), TURN_STEP), _NONE, _NONE)
    trimmed_small = _product(_log_scales(1.6, 2.4), _evenly(np.radians(7), 2 * TURN_STEP), _NONE, _NONE)
    return np.concatenate([kept, trimmed, trimmed_small])


def _stretched() -> Poses:
    """Resized with another aspect ratio. The pitch follows the short side, so stretch and scale are coupled."""
    stretch = _evenly(0.3, 0.0125)
    tied = [_product(_ISSUED + nudge, _NONE, stretch, _NONE) for nudge in (-STEP, 0.0, STEP)]
    return np.concatenate([p + p[:, 2:3] * sign / 2 * [1, 0, 0, 0] for p in tied for sign in (-1, 1)])


_NONE: Final = np.zeros(1)
_ISSUED: Final = np.log([1.0, SHORT_SIDE / SMALL_SHORT_SIDE])
"""Log scales of images that were at most resized: large and small ones."""
_MOST_CROPPED: Final = 3.4
"""Scale of a small image cropped to a quarter of its area."""
_MOST_PADDED: Final = 0.64
AS_ISSUED: Final = _product(_ISSUED, _NONE, _NONE, _NONE)
"""Images that were at most resized: tried first."""
STAGES: Final = (_upright(), _turned(), _stretched())
"""All others, in the order they are tried: upright, rotated, stretched."""
