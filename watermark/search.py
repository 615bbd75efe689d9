"""Finding the tile grid: the template is looked for under every plausible scale, rotation, flip and stretch.

A picture that was resized, cropped, turned or mirrored holds the same tile under a linear map. Its spectrum holds
the tile's frequencies under the inverse transpose of that map, so a hypothesis costs no resampling of the picture:
it reads the template's frequencies off one fine spectrum and correlates them with the template over all shifts.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from watermark.pattern import TILE, Pattern
from watermark.poses import AS_ISSUED, STAGES, STEP, TURN_STEP, Poses, linear_maps, same
from watermark.spectrum import FineSpectrum

_FIRST_MOVE: Final = np.array([STEP / 2, TURN_STEP / 2, STEP / 2])
_REFINEMENTS: Final = 5
_SHRINK: Final = 0.65
"""Refinement starts with half a step of the coarse search along each axis and shrinks it every time, to a tenth."""
_BATCH: Final = 64
"""Hypotheses scored together: few enough for their correlations to stay in the processor's cache."""
_SEEDS: Final = 8
"""Best coarse hypotheses of a stage that are refined."""
_SEED_SCORE: Final = 4.2
"""Coarse score below which refinement would not lead to a grid worth decoding."""
_CLEAR_SCORE: Final = 6.5
"""Score from which a grid is decoded at once. Over the whole search, 150 unmarked crops came to 5.5 in the median
and 6.25 at most."""
_FAINT_SCORE: Final = 4.8
"""Score from which a grid is worth decoding if nothing clear was found."""
_SUBSAMPLES: Final = np.arange(-0.5, 0.51, 0.125)
"""Shifts tried around the best whole one, in samples."""


@dataclass(frozen=True, slots=True)
class Grid:
    """A tile grid found in a picture."""

    score: float
    """Template correlation in standard deviations of chance."""
    pose: NDArray[np.float64]
    """float64[4], as a row of `Poses`."""
    heard: NDArray[np.complex64]
    """complex64[F]: the tile's spectrum, shifted into place."""


class Search:
    """All searches in one picture under one pattern."""

    def __init__(self, spectrum: FineSpectrum, pitch: float, pattern: Pattern) -> None:
        """Search `spectrum`, of a picture whose tiles measure `pitch` samples if it was only resized."""
        self._spectrum = spectrum
        self._pitch = pitch
        self._pattern = pattern
        self._template = np.conj(pattern.carrier[pattern.sync]) * pattern.weight[pattern.sync]
        self._band = np.stack([pattern.ky, pattern.kx]).astype(np.float64)

    def grids(self) -> Iterator[Grid]:
        """The grids found: clear ones as they turn up, those of an unchanged geometry first; then faint ones."""
        as_issued = [self._grid(pose) for pose in AS_ISSUED]
        yield from _best_first(grid for grid in as_issued if grid.score >= _CLEAR_SCORE)
        seen: list[Grid] = []
        for poses in STAGES:
            new = [grid for grid in self._stage(poses) if not any(same(grid.pose, old.pose) for old in seen)]
            seen += new
            yield from (grid for grid in new if grid.score >= _CLEAR_SCORE)
        yield from _best_first(grid for grid in seen if _FAINT_SCORE <= grid.score < _CLEAR_SCORE)

    def _stage(self, poses: Poses) -> list[Grid]:
        """Distinct grids near the likeliest of `poses`, best first."""
        scores, _ = self._scores(poses, fine=False)
        likeliest = np.argsort(-scores)[:_SEEDS]
        seeds = poses[likeliest[scores[likeliest] >= _SEED_SCORE]]
        distinct: list[Grid] = []
        for grid in _best_first(self._grid(pose) for pose in self._refined(seeds)):
            if not any(same(grid.pose, better.pose) for better in distinct):
                distinct.append(grid)
        return distinct

    def _refined(self, poses: Poses) -> Poses:
        """Each pose moved to the best one nearby, by steps along one axis at a time, ever smaller."""
        if not len(poses):
            return poses
        step = np.pad(np.diag(_FIRST_MOVE), ((0, 0), (0, 1)))  # the fourth column, mirrored, never moves
        moves = np.concatenate([np.zeros((1, 4)), step, -step])
        for _ in range(_REFINEMENTS):
            around = poses[:, None] + moves
            scores, _ = self._scores(around.reshape(-1, 4), fine=True)
            best = scores.reshape(around.shape[:2]).argmax(axis=1)
            poses = around[np.arange(len(poses)), best]
            moves = moves * _SHRINK
        return poses

    def _grid(self, pose: NDArray[np.float64]) -> Grid:
        """What the tile says under `pose`, its shift refined to an eighth of a sample."""
        pattern = self._pattern
        heard = self._spectrum.between(*self._frequencies(pose[None], self._band)[:, 0])
        template = heard[pattern.sync] * self._template
        _, shift = self._scores(pose[None], fine=True)
        rows, columns = shift[0, 0] + _SUBSAMPLES, shift[0, 1] + _SUBSAMPLES
        down = np.exp(2j * np.pi / TILE * np.outer(rows, pattern.ky))
        right = np.exp(2j * np.pi / TILE * np.outer(pattern.kx, columns))
        agreement = ((down[:, pattern.sync] * template) @ right[pattern.sync]).real
        row, column = np.unravel_index(agreement.argmax(), agreement.shape)
        chance = np.sqrt(np.sum(np.abs(template) ** 2) / 2) + 1e-12
        placed = (heard * down[row] * right[:, column]).astype(np.complex64)
        return Grid(float(agreement[row, column] / chance), pose, placed)

    def _scores(self, poses: Poses, *, fine: bool) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
        """For each pose the best template correlation over all shifts, float32[B], and that shift, intp[B, 2]."""
        read = self._spectrum.between if fine else self._spectrum.nearest
        scores, shifts = [], []
        for start in range(0, len(poses), _BATCH):
            fy, fx = self._frequencies(poses[start : start + _BATCH], self._band[:, self._pattern.sync])
            score, shift = self._correlated(read(fy, fx) * self._template)
            scores.append(score)
            shifts.append(shift)
        return np.concatenate(scores), np.concatenate(shifts)

    def _correlated(self, products: NDArray[np.complex64]) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
        """Peak over all 64 x 64 shifts of the correlation whose spectrum is `products` (complex64[B, S])."""
        pattern = self._pattern
        ky, kx = pattern.ky[pattern.sync], pattern.kx[pattern.sync]
        half = np.zeros((len(products), TILE, TILE // 2 + 1), np.complex64)
        half[:, ky, kx] = products * np.where(kx == 0, 2, 1).astype(np.float32)
        surface = np.asarray(np.fft.irfft2(half, norm="forward") / 2, dtype=np.float32)
        row, column = np.divmod(surface.reshape(len(products), -1).argmax(axis=1), TILE)
        chance = np.sqrt(np.sum(np.abs(products) ** 2, axis=1) / 2) + 1e-12
        score = np.asarray(_peak(surface, row, column) / chance, dtype=np.float32)
        return score, np.stack([row, column], axis=1)

    def _frequencies(self, poses: Poses, band: NDArray[np.float64]) -> NDArray[np.float32]:
        """Where `band` (float64[2, F], cycles per tile) lies in the picture: float32[2, B, F], cycles per sample."""
        maps = linear_maps(poses) / self._pitch
        return np.asarray(np.moveaxis(maps @ band, 1, 0), dtype=np.float32)


def _peak(surface: NDArray[np.float32], row: NDArray[np.intp], column: NDArray[np.intp]) -> NDArray[np.float32]:
    """Height of each surface (float32[B, 64, 64]) at its highest sample, between samples by a parabola per axis."""
    every = np.arange(len(surface))
    top = surface[every, row, column]
    height = top.copy()
    for down, right in ((1, 0), (0, 1)):
        before = surface[every, (row - down) % TILE, (column - right) % TILE]
        after = surface[every, (row + down) % TILE, (column + right) % TILE]
        height += np.square(after - before) / (8 * (2 * top - before - after) + 1e-9)
    return height


def _best_first(grids: Iterable[Grid]) -> list[Grid]:
    return sorted(grids, key=lambda grid: -grid.score)
