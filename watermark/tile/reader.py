"""Read the marks of one key epoch: a fast path for images that were at most resized, and the search."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import Final

import numpy as np
from numpy.typing import NDArray

from watermark.tile import payload, trellis
from watermark.tile.canvas import SHORT_SIDE, SMALL_SHORT_SIDE, scaled, whitened, whitened_for_jpeg
from watermark.tile.coverage import CELL, coverage_map
from watermark.tile.keyring import Epoch
from watermark.tile.pattern import TILE, Layout, Pattern
from watermark.tile.poses import AS_ISSUED
from watermark.tile.search import CLEAR_SCORE, Grid, Search, Searcher, by_score
from watermark.tile.spectrum import FineSpectrum, tile_spectrum

Whitening = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""A normalisation of luma (float32[h, w]) before reading, from `watermark.tile.canvas`."""

MAX_ATTEMPTS: Final = 64
"""Decoding attempts per extraction, over all epochs and keys; the bound on false positives depends on it."""
_WHITENINGS: Final = (whitened, whitened_for_jpeg)
"""Normalisations of the fast path, in order; the second one is for strong JPEG."""
_QUICK_GRIDS: Final = 2
"""Grids decoded for each normalisation."""
QUICK_ATTEMPTS: Final = len(_WHITENINGS) * _QUICK_GRIDS
"""The part of an epoch's attempts used by the fast path."""
_QUICK_SCORE: Final = 4.0
"""Score from which the fast path decodes a grid: few shifts are tried, so chance hardly reaches it."""


@dataclass(frozen=True)
class Reading:
    """A decoded mark."""

    mark_id: int
    """In [0, 2**48)."""
    confidence: float
    """In (0, 1]: the share of the soft values that agrees with the decoded word, minus the share that disagrees."""
    payload_version: int
    epoch: int
    """Index of the secret in the keyring: 0 is the newest."""
    scale: float
    """Size of the tile relative to that of an image merely resized: 1 as issued, above 1 cropped, below 1 padded."""
    rotation_degrees: float
    """Counter-clockwise, in (-180, 180]."""
    mirrored: bool
    """Whether left and right were swapped (before the rotation)."""
    stretch: float
    """Change of width over height."""
    _compute_coverage: Callable[[], NDArray[np.float32]] = field(repr=False, compare=False)

    @cached_property
    def coverage(self) -> NDArray[np.float32]:
        """The share of the mark left, by location: float32[ceil(H / 32), ceil(W / 32)] in [0, 1]. Computed lazily.

        For images more than twice as long as wide, cells outside the centre are NaN: they were not examined.
        """
        return self._compute_coverage()


@dataclass(frozen=True, slots=True)
class View:
    """The part of an image that is read."""

    canvas: NDArray[np.float32]
    """float32[h, w]: luma of the centre, short side at most the canonical one."""
    shape: tuple[int, int]
    """(height, width) of the entire image, in pixels."""
    seen: tuple[int, int]
    """(height, width) of the centre, in pixels."""

    @property
    def pitch(self) -> float:
        """Side of a tile in samples of the canvas, if the image was only resized."""
        return float(min(self.canvas.shape) * TILE / SHORT_SIDE)


class EpochReader:
    """Finds and decodes the marks of one epoch. Immutable."""

    def __init__(self, epoch: Epoch, number: int, attempts: int) -> None:
        """`number`: index of the epoch in its keyring. At most `attempts` grids are decoded per extraction."""
        self.epoch = epoch
        self._number = number
        self._attempts = attempts
        layout = Layout(epoch.pattern, trellis.coded_length(payload.PAYLOAD_BITS))
        self.patterns = [Pattern(layout, phases) for phases in epoch.phases]
        self._searcher = Searcher(self.patterns)

    def read_resized(self, view: View) -> Reading | None:
        """The fast path for images that were at most resized: the grid's pose is known, so no search is needed."""
        for whiten in _WHITENINGS:
            grids = [grid for grid in self._issued_grids(view, whiten) if grid.score >= _QUICK_SCORE]
            if (reading := self._first_decoded(grids[:_QUICK_GRIDS], view, (0.0, 0.0))) is not None:
                return reading
        return None

    def search(self, view: View, spectrum: FineSpectrum) -> Reading | None:
        """Search for the mark under all poses; `spectrum` is that of the entire view."""
        centre = view.canvas.shape[0] // 2, view.canvas.shape[1] // 2
        grids = islice(Search(spectrum, view.pitch, self._searcher).grids(), self._attempts - QUICK_ATTEMPTS)
        for batch in _decoding_rounds(grids):
            if (reading := self._first_decoded(batch, view, centre)) is not None:
                return reading
        return None

    def _issued_grids(self, view: View, whiten: Whitening) -> list[Grid]:
        """The grid of each key and canonical size, assuming the image was at most resized; best first."""
        layout, grids = self._searcher.layout, []
        for pose, side in zip(AS_ISSUED, (SHORT_SIDE, SMALL_SHORT_SIDE), strict=True):
            canonical = scaled(view.canvas, side / min(view.canvas.shape))
            received = tile_spectrum(whiten(canonical))[layout.ky, layout.kx]
            grids += [self._searcher.grid(received, key, pose, np.zeros(2)) for key in range(len(self.patterns))]
        return by_score(grids)

    def _first_decoded(self, grids: Sequence[Grid], view: View, reference: tuple[float, float]) -> Reading | None:
        """The first successful decoding of `grids`; each counts as an attempt."""
        if not grids:
            return None
        softs = np.stack([self.patterns[grid.key].soft(grid.spectrum) for grid in grids])
        for grid, soft, bits in zip(grids, softs, trellis.decode(softs), strict=True):
            if (mark_id := payload.unseal(bits, self.epoch.check)) is not None:
                return self._reading(mark_id, grid, soft, trellis.encode(bits), view, reference)
        return None

    def _reading(
        self,
        mark_id: int,
        grid: Grid,
        soft: NDArray[np.float32],
        word: NDArray[np.float32],
        view: View,
        reference: tuple[float, float],
    ) -> Reading:
        log_scale, turn, log_stretch, mirrored = grid.pose
        pattern = self.patterns[grid.key]
        return Reading(
            mark_id=mark_id,
            confidence=min(1.0, max(float(soft @ word / np.abs(soft).sum()), 1e-6)),
            payload_version=payload.VERSION,
            epoch=self._number,
            scale=float(np.exp(log_scale)),
            rotation_degrees=180.0 - (180.0 - float(np.degrees(turn))) % 360.0,
            mirrored=bool(mirrored),
            stretch=float(np.exp(log_stretch)),
            _compute_coverage=lambda: _coverage(view, grid, pattern, word, reference),
        )


def _coverage(
    view: View, grid: Grid, pattern: Pattern, word: NDArray[np.float32], reference: tuple[float, float]
) -> NDArray[np.float32]:
    """As `Reading.coverage`."""
    rows, columns = (-(-side // CELL) for side in view.shape)
    high, wide = (max(1, round(side / CELL)) for side in view.seen)
    seen = view.seen[0] == view.shape[0], view.seen[1] == view.shape[1]
    high, wide = rows if seen[0] else high, columns if seen[1] else wide
    tile = pattern.tile(pattern.target(word) * pattern.layout.taper)
    part = coverage_map(view.canvas, tile, grid.pose, grid.shift, reference, (high, wide))
    result = np.full((rows, columns), np.nan, np.float32)
    top, left = (rows - high) // 2, (columns - wide) // 2
    result[top : top + high, left : left + wide] = part
    return result


def _decoding_rounds(grids: Iterable[Grid]) -> Iterator[list[Grid]]:
    """Clear grids one by one, because the first is nearly always right; all faint ones together, which is faster."""
    faint = []
    for grid in grids:
        if grid.score >= CLEAR_SCORE:
            yield [grid]
        else:
            faint.append(grid)
    yield faint
