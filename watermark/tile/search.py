"""Finding the tile grid: search for the template under every plausible scale, rotation, mirroring and stretch.

An image that was resized, cropped, rotated or mirrored contains the same tile under a linear map. Its spectrum contains
the tile's frequencies under the inverse transpose of that map, so a hypothesis needs no resampling of the image: it
reads the template's frequencies from one fine spectrum and correlates them with every key's template, coarsely over
all shifts. The best hypotheses are refined, and those that remain are decoded.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import chain
from typing import Final

import numpy as np
from numpy.typing import NDArray

from watermark.tile.correlation import Correlator
from watermark.tile.lattice import Lattice
from watermark.tile.pattern import TILE, Layout, Pattern
from watermark.tile.poses import AS_ISSUED, STAGES, STEP, TURN_STEP, Poses, linear_maps, same
from watermark.tile.spectrum import FineSpectrum

CLEAR_SCORE: Final = 6.5
"""Score from which a grid is decoded at once. In the entire search, 150 unmarked crops of 128 to 512 px reached 5.8 in
the median and 6.6 at most."""
_FIRST_MOVE: Final = np.array([STEP / 2, TURN_STEP / 2, STEP / 2])
_REFINEMENTS: Final = 5
_SHRINK: Final = 0.65
"""Refinement starts with half a step of the coarse search along each axis and shrinks it in every round, to a tenth."""
_ROUGH_BATCH: Final = 256
_CLOSE_BATCH: Final = 32
"""Batch sizes of correlations over a few shifts and over all: small enough for the processor's cache."""
_SECOND_LOOKS: Final = 256
"""Best hypotheses of a stage, over all keys, that are correlated again over every shift."""
_SEEDS: Final = 16
"""How many of those are refined."""
_SEED_SCORE: Final = 4.4
"""Score below which refinement would not lead to a grid worth decoding."""
_FAINT_SCORE: Final = 4.8
"""Score from which a grid is decoded if no clear one was found."""
_REFINED_SCORE: Final = 4.5
"""The same for the rougher score of the refinement."""
SUBSAMPLES: Final = np.arange(-0.375, 0.38, 0.125)
"""Shifts tried around the best one of the refinement, in samples."""


@dataclass(frozen=True, slots=True)
class Grid:
    """A tile grid found in an image."""

    score: float
    """Template correlation in standard deviations of the chance distribution."""
    key: int
    """Index of the pattern it was found with."""
    pose: NDArray[np.float64]
    """float64[4], as a row of `Poses`."""
    shift: tuple[float, float]
    """Offset of the tile's origin from the reference point, in samples of the tile (down, right)."""
    spectrum: NDArray[np.complex64]
    """complex64[F]: the tile's spectrum, with the shift removed."""
    inverted: bool = False
    """Whether the image is a negative. The spectrum is that of the positive."""


class Searcher:
    """The precomputed part of every search, which depends only on the keys. Immutable."""

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        """Search for any of `patterns`, which share one layout."""
        self.patterns = patterns
        self.layout = patterns[0].layout
        self.rough, self.close = Correlator(self.layout, 32), Correlator(self.layout, TILE)
        positive = np.stack([pattern.template for pattern in patterns])
        self.templates = np.concatenate([positive, -positive])
        """Of every key, and of every key in a negative: complex64[2 K, S]."""
        self.band = np.stack([self.layout.ky, self.layout.kx]).astype(np.float64)
        self.sync_band = self.band[:, self.layout.sync]
        self.stages = [(poses, _under(poses, self.sync_band).astype(np.float32)) for poses in STAGES]
        """The poses of each stage, and the template's frequencies under them: float32[2, B, S] in 1 / pitch."""

    @cached_property
    def lattice(self) -> Lattice:
        """Made when it is first needed: it takes half a second."""
        return Lattice(self.layout)

    @cached_property
    def _unshifted(self) -> tuple[NDArray[np.complex64], NDArray[np.complex64]]:
        """The waves of `SUBSAMPLES` around no shift, which every image asks for first."""
        return _waves(self.layout, SUBSAMPLES, SUBSAMPLES)

    def issued(self, spectrum: NDArray[np.complex64], key: int, pose: NDArray[np.float64]) -> Grid:
        """As `grid`, where the shift is none or less than half a sample."""
        return self._grid(spectrum, key, pose, (SUBSAMPLES, SUBSAMPLES), self._unshifted)

    def grid(
        self,
        spectrum: NDArray[np.complex64],
        key: int,
        pose: NDArray[np.float64],
        around: NDArray[np.float64],
        subsamples: NDArray[np.float64] = SUBSAMPLES,
    ) -> Grid:
        """The grid in `spectrum` (complex64[F]) under `key` (in [0, 2 K)), near `around`, to an eighth of a sample."""
        rows, columns = around[0] + subsamples, around[1] + subsamples
        return self._grid(spectrum, key, pose, (rows, columns), _waves(self.layout, rows, columns))

    def _grid(
        self,
        spectrum: NDArray[np.complex64],
        key: int,
        pose: NDArray[np.float64],
        shifts: tuple[NDArray[np.float64], NDArray[np.float64]],
        waves: tuple[NDArray[np.complex64], NDArray[np.complex64]],
    ) -> Grid:
        """The grid at the best of `shifts` (down, right), whose `waves` are given."""
        layout, keys, (down, right) = self.layout, len(self.patterns), waves
        template = spectrum[layout.sync] * self.templates[key]
        agreement = ((down[:, layout.sync] * template) @ right[layout.sync]).real
        row, column = np.unravel_index(agreement.argmax(), agreement.shape)
        placed = (spectrum * down[row] * right[:, column]).astype(np.complex64)
        score = float(agreement[row, column] / chance_of(template))
        shift = float(shifts[0][row]), float(shifts[1][column])
        return Grid(score, key % keys, pose, shift, placed if key < keys else -placed, key >= keys)


class Search:
    """The search in one image."""

    def __init__(self, spectrum: FineSpectrum, pitch: float, searcher: Searcher) -> None:
        """Search `spectrum`. `pitch`: side of a tile in samples, if the image was only resized."""
        self._spectrum = spectrum
        self._pitch = pitch
        self._searcher = searcher

    def grids(self, canvas: NDArray[np.float32] | None = None) -> Iterator[Grid]:
        """The grids found: clear ones as they are found, stage by stage; then faint ones, best first.

        With `canvas` (float32[h, w], luma), also at any angle, with any aspect, and in a negative.
        """
        found: list[Grid] = []
        stages = (partial(self._stage, *stage) for stage in self._searcher.stages)
        for stage in stages if canvas is None else chain(stages, [partial(self._anywhere, canvas)]):
            new = [grid for grid in stage() if not _already_found(grid, found)]
            found += new
            yield from (grid for grid in new if grid.score >= CLEAR_SCORE)
        yield from by_score(grid for grid in found if _FAINT_SCORE <= grid.score < CLEAR_SCORE)

    def nearly_issued(self, shape: tuple[int, ...]) -> list[Grid]:
        """Distinct grids near those of a canvas of `shape` that was at most resized, best first."""
        keys = len(self._searcher.patterns)
        centre = np.array([shape[0] // 2, shape[1] // 2])
        shifts = -centre * TILE / (self._pitch * np.exp(AS_ISSUED[:, :1]))
        poses, every = AS_ISSUED.repeat(keys, axis=0), np.tile(np.arange(keys), len(AS_ISSUED))
        return self._unlike(self._refined(poses, every, shifts.repeat(keys, axis=0)))

    def _stage(self, poses: Poses, frequencies: NDArray[np.float32]) -> list[Grid]:
        """Distinct grids near the best of `poses` under any key, best first; `frequencies` as in `stages`."""
        scores = self._rough_scores(frequencies / np.float32(self._pitch))
        candidates = np.argpartition(-scores, _SECOND_LOOKS, axis=None)[:_SECOND_LOOKS]
        keys, places = np.unravel_index(candidates, scores.shape)
        return self._distinct(poses[places], keys)

    def _anywhere(self, canvas: NDArray[np.float32]) -> list[Grid]:
        """Distinct grids near the poses that the power spectrum of `canvas` names, best first.

        Power is the same after half a turn and in a negative, so both are tried.
        """
        poses = self._searcher.lattice.poses(canvas)
        poses = np.concatenate([poses, poses + np.array([0, np.pi, 0, 0])])
        templates = len(self._searcher.templates)
        return self._distinct(poses.repeat(templates, axis=0), np.tile(np.arange(templates), len(poses)))

    def _distinct(self, poses: Poses, keys: NDArray[np.intp]) -> list[Grid]:
        """Distinct grids near `poses` under `keys` (intp[B]), best first."""
        return self._unlike(self._refined(*self._seeds(poses, keys)))

    @staticmethod
    def _unlike(grids: Iterable[Grid]) -> list[Grid]:
        """Of grids that are nearly the same, the best; best first."""
        distinct: list[Grid] = []
        for grid in by_score(grids):
            if not _already_found(grid, distinct):
                distinct.append(grid)
        return distinct

    def _rough_scores(self, frequencies: NDArray[np.float32]) -> NDArray[np.float32]:
        """The best template correlation over a few shifts for each key and pose: float32[K, B].

        `frequencies`: the template's frequencies under each pose, float32[2, B, S] in cycles per sample.
        """
        keys, count = len(self._searcher.patterns), frequencies.shape[1]
        templates, rough = self._searcher.templates[:keys], self._searcher.rough
        scores = np.empty((keys, count), np.float32)
        for start in range(0, count, size := max(1, _ROUGH_BATCH // keys)):
            batch = slice(start, start + size)
            read = self._spectrum.nearest(*frequencies[:, batch])
            products = (templates[:, None] * read).reshape(-1, read.shape[1])
            heights = rough.max_height(products).reshape(keys, -1)
            scores[:, batch] = heights / chance_of(read * np.abs(templates[0]))
        return scores

    def _seeds(self, poses: Poses, keys: NDArray[np.intp]) -> tuple[Poses, NDArray[np.intp], NDArray[np.float64]]:
        """The best of `poses` and `keys` (intp[B]) by correlation over all shifts, and their shifts (float64[B, 2])."""
        scores, shifts = [], []
        for start in range(0, len(poses), _CLOSE_BATCH):
            products = self._products(poses[start : start + _CLOSE_BATCH], keys[start : start + _CLOSE_BATCH])
            height, shift = self._searcher.close.peak(products)
            scores.append(height / chance_of(products))
            shifts.append(shift)
        score = np.concatenate(scores)
        best = np.argsort(-score)[:_SEEDS]
        best = best[score[best] >= _SEED_SCORE]
        return poses[best], keys[best], np.concatenate(shifts)[best]

    def _refined(self, poses: Poses, keys: NDArray[np.intp], shift: NDArray[np.float64]) -> Iterator[Grid]:
        """The grid at the best pose near each of `poses`, by ever smaller steps along one axis at a time.

        The spectrum is relative to the image's centre, so the initial shift holds for every pose nearby.
        """
        if not len(poses):
            return
        close = self._searcher.close
        step = np.pad(np.diag(_FIRST_MOVE), ((0, 0), (0, 1)))  # the fourth column, mirrored, never moves
        moves = np.concatenate([np.zeros((1, 4)), step, -step])
        every, per_seed = np.arange(len(poses)), len(moves)
        for _ in range(_REFINEMENTS):
            around = poses[:, None] + moves
            products = self._products(around.reshape(-1, 4), keys.repeat(per_seed))
            heights, near = close.nearby(close.shifted(products, shift.repeat(per_seed, axis=0)))
            scores = (heights / chance_of(products)).reshape(around.shape[:2])
            best = scores.argmax(axis=1)
            poses = around[every, best]
            moves = moves * _SHRINK
        found = scores[every, best] >= _REFINED_SCORE
        poses, keys = poses[found], keys[found]
        shift = (shift + near.reshape(*around.shape[:2], 2)[every, best])[found]
        spectrum = self._spectrum.between(*self._frequencies(poses, self._searcher.band))
        for number, key in enumerate(keys):
            yield self._searcher.grid(spectrum[number], int(key), poses[number], shift[number])

    def _products(self, poses: Poses, keys: NDArray[np.intp]) -> NDArray[np.complex64]:
        """The image's spectrum under each pose, times the template of its key: complex64[B, S]."""
        read = self._spectrum.between(*self._frequencies(poses, self._searcher.sync_band))
        return np.asarray(read * self._searcher.templates[keys], dtype=np.complex64)

    def _frequencies(self, poses: Poses, band: NDArray[np.float64]) -> NDArray[np.float32]:
        """`band` (float64[2, F], cycles per tile) in the image under each pose: float32[2, B, F], cycles per sample."""
        return np.asarray(_under(poses, band) / self._pitch, dtype=np.float32)


def _under(poses: Poses, band: NDArray[np.float64]) -> NDArray[np.float64]:
    """`band` (float64[2, F], cycles per tile) under each pose, in units of 1 / pitch: float64[2, B, F]."""
    return np.moveaxis(linear_maps(poses) @ band, 1, 0)


def _waves(
    layout: Layout, rows: NDArray[np.float64], columns: NDArray[np.float64]
) -> tuple[NDArray[np.complex64], NDArray[np.complex64]]:
    """What shifts frequencies by `rows` and `columns` samples: complex64[rows, F] and complex64[F, columns]."""
    down = np.exp(2j * np.pi / TILE * np.outer(rows, layout.ky)).astype(np.complex64)
    return down, np.exp(2j * np.pi / TILE * np.outer(layout.kx, columns)).astype(np.complex64)


def chance_of(products: NDArray[np.complex64]) -> NDArray[np.float32]:
    """Standard deviation of the correlation of `products` (complex64[..., S]) by chance: float32[...]."""
    power = np.square(products.real) + np.square(products.imag)
    return np.asarray(np.sqrt(power.sum(axis=-1) / 2) + 1e-12, dtype=np.float32)


def by_score(grids: Iterable[Grid]) -> list[Grid]:
    return sorted(grids, key=lambda grid: -grid.score)


def _already_found(grid: Grid, others: Iterable[Grid]) -> bool:
    """Whether one of `others` is the same grid and at least as clear; an earlier stage may have found a fainter one."""
    return any(
        (grid.key, grid.inverted) == (other.key, other.inverted)
        and grid.score <= other.score
        and same(grid.pose, other.pose)
        for other in others
    )
