"""Read the marks of one key epoch: a fast path for images that were at most resized, and the search."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from watermark.tile import payload, trellis
from watermark.tile.candidates import Candidate, View
from watermark.tile.canvas import SHORT_SIDE, SMALL_SHORT_SIDE, scaled, whitened, whitened_for_jpeg
from watermark.tile.coverage import CELL, coverage_map, placed_tile
from watermark.tile.keyring import Epoch
from watermark.tile.pattern import Layout, Pattern
from watermark.tile.placement import placements
from watermark.tile.poses import AS_ISSUED
from watermark.tile.positioned import ISSUED_SCORE, PositionedReader
from watermark.tile.rectification import Rectification
from watermark.tile.search import CLEAR_SCORE, Grid, Search, Searcher, by_score
from watermark.tile.spectrum import FineSpectrum, tile_spectrum

Whitening = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""A normalisation of luma (float32[h, w]) before reading, from `watermark.tile.canvas`."""

MAX_ATTEMPTS: Final = 64
"""Decoding attempts per extraction, over all epochs, keys and formats; the bound on false positives depends on it."""
_WHITENINGS: Final = (whitened, whitened_for_jpeg)
"""Normalisations of the fast path, in order; the second one is for strong JPEG."""
_QUICK_GRIDS: Final = 2
"""Grids decoded for each normalisation as format one."""
_QUICK_MESSAGES: Final = 1
"""The same as format two, where the message itself tells where it is."""
QUICK_ATTEMPTS: Final = len(_WHITENINGS) * (_QUICK_GRIDS + _QUICK_MESSAGES)
"""The part of an epoch's attempts used by the fast path."""
_QUICK_SCORE: Final = 4.0
"""Score from which the fast path decodes a grid: few shifts are tried, so chance hardly reaches it."""
_SECOND_VIEW: Final = 3
"""The part inside plain margins gets one in three attempts of the search."""
_FAINT_GRIDS: Final = 12
"""Faint grids, best first, that are also straightened to look for format two."""


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
    _place: Callable[[tuple[int, int]], list[NDArray[np.float64]]] = field(
        default=lambda issued: [], repr=False, compare=False
    )
    inverted: bool = False
    """Whether the colours were inverted."""

    @cached_property
    def coverage(self) -> NDArray[np.float32]:
        """The share of the mark left, by location: float32[ceil(H / 32), ceil(W / 32)] in [0, 1]. Computed lazily.

        For images more than twice as long as wide, cells outside the centre are NaN: they were not examined.
        """
        return self._compute_coverage()

    def placements(self, issued: tuple[int, int]) -> list[NDArray[np.float64]]:
        """Where the marked image of `issued` (height, width) pixels lies in this one, as far as the mark tells.

        Each is an affine map, float64[2, 3]: from a point (right, down) of the marked image, in shares of its width and
        height, to pixels of this one. Format two gives one or few. Format one repeats, so a part gives many.
        """
        return self._place(issued)


class EpochReader:
    """Finds and decodes the marks of one epoch, of either format. Immutable."""

    def __init__(self, epoch: Epoch, number: int, attempts: int) -> None:
        """`number`: index of the epoch in its keyring. At most `attempts` candidates are decoded per extraction."""
        self.epoch = epoch
        self._number = number
        self._attempts = attempts
        layout = Layout(epoch.pattern, trellis.coded_length(payload.PAYLOAD_BITS))
        self.patterns = [Pattern(layout, phases) for phases in epoch.phases]
        self.positioned = PositionedReader(layout, self.patterns, epoch.pattern)
        self._searcher = Searcher(self.patterns)

    def read_resized(self, view: View) -> Reading | None:
        """The fast path for images that were at most resized: the grid's pose is known, so no search is needed."""
        for whiten in _WHITENINGS:
            for candidates in self._issued(view, whiten):
                if (reading := self._first_decoded(candidates)) is not None:
                    return reading
        return None

    def shares(self, views: int) -> list[int]:
        """How many candidates the search may decode in each of `views` (one or two) views of an image."""
        left = max(0, self._attempts - views * QUICK_ATTEMPTS)
        return [left] if views == 1 else [left - left // _SECOND_VIEW, left // _SECOND_VIEW]

    def search(
        self, view: View, spectrum: FineSpectrum, attempts: int | None = None, *, fast: bool = False
    ) -> Reading | None:
        """Search for the mark under all poses; `spectrum` is that of the entire view.

        `attempts`: from `shares`; by default those of an only view. `fast`: only up to ten degrees from a quarter turn,
        with nearly the same aspect, and in its own colours.
        """
        left = self.shares(1)[0] if attempts is None else attempts
        search = Search(spectrum, view.pitch, self._searcher)
        for candidates in self._located(view, search.grids(None if fast else view.canvas)):
            if (reading := self._first_decoded(candidates[:left])) is not None:
                return reading
            left -= len(candidates[:left])
        return None

    def _issued(self, view: View, whiten: Whitening) -> Iterator[list[Candidate]]:
        """What to decode if the image was at most resized: format two, then format one."""
        layout, keys, grids, messages = self._searcher.layout, range(len(self.patterns)), [], []
        for pose, side in zip(AS_ISSUED, (SHORT_SIDE, SMALL_SHORT_SIDE), strict=True):
            canonical = scaled(view.canvas, side / min(view.canvas.shape))
            level = whiten(canonical)
            received = tile_spectrum(level)[layout.ky, layout.kx]
            here = [self._searcher.grid(received, key, pose, np.zeros(2)) for key in keys]
            grids += here
            shifts = [grid.shift if grid.score >= _QUICK_SCORE else (0.0, 0.0) for grid in here]
            messages.append(self.positioned.issued(canonical, level, view, pose, shifts))
        messages.sort(key=lambda message: -message[0])
        yield [candidate for score, candidate in messages[:_QUICK_MESSAGES] if score >= ISSUED_SCORE]
        clear = [grid for grid in by_score(grids) if grid.score >= _QUICK_SCORE]
        yield [self._repeated(grid, view, (0.0, 0.0), whole=True) for grid in clear[:_QUICK_GRIDS]]

    def _located(self, view: View, grids: Iterable[Grid]) -> Iterator[list[Candidate]]:
        """What to decode of the grids that the search found, together what is decoded together.

        Clear grids one by one, because the first is nearly always right; all faint ones together, which is faster.
        """
        centre = view.canvas.shape[0] // 2, view.canvas.shape[1] // 2
        faint: list[Grid] = []
        for grid in grids:
            if grid.score >= CLEAR_SCORE:
                yield [*self._positioned(grid, view, centre), self._repeated(grid, view, centre)]
            else:
                faint.append(grid)
        messages = [one for grid in faint[:_FAINT_GRIDS] for one in self._positioned(grid, view, centre)]
        yield messages + [self._repeated(grid, view, centre) for grid in faint]

    def _positioned(self, grid: Grid, view: View, reference: tuple[float, float]) -> list[Candidate]:
        """The grid's message of format two, if there seems to be one."""
        found = self.positioned.found(view.negative if grid.inverted else view, grid, reference)
        return [] if found is None else [found]

    def _repeated(self, grid: Grid, view: View, reference: tuple[float, float], *, whole: bool = False) -> Candidate:
        """The grid's message of format one. `whole`: the image is the marked one, at most resized."""
        pattern = self.patterns[grid.key]
        plane = Rectification.of(view.canvas.shape, grid.pose, grid.shift, reference)
        expected = partial(_repeated_mark, view, grid, pattern, reference)
        offset = plane.first if whole else None
        soft = pattern.soft(grid.spectrum)
        seen = view.negative if grid.inverted else view
        return Candidate(seen, grid.inverted, payload.REPEATED, grid.pose, plane, offset, soft, expected)

    def _first_decoded(self, candidates: Sequence[Candidate]) -> Reading | None:
        """The first successful decoding of `candidates`; each counts as an attempt."""
        if not candidates:
            return None
        words = trellis.decode(np.stack([candidate.soft for candidate in candidates]))
        for candidate, bits in zip(candidates, words, strict=True):
            if (mark_id := payload.unseal(bits, self.epoch.check, candidate.version)) is not None:
                return self._reading(mark_id, candidate, trellis.encode(bits))
        return None

    def _reading(self, mark_id: int, candidate: Candidate, word: NDArray[np.float32]) -> Reading:
        log_scale, turn, log_stretch, mirrored = candidate.pose
        soft, part = candidate.soft, min(candidate.view.seen) / min(candidate.view.shape)
        return Reading(
            mark_id=mark_id,
            confidence=min(1.0, max(float(soft @ word / np.abs(soft).sum()), 1e-6)),
            payload_version=candidate.version,
            epoch=self._number,
            scale=float(np.exp(log_scale)) * part,
            rotation_degrees=180.0 - (180.0 - float(np.degrees(turn))) % 360.0,
            mirrored=bool(mirrored),
            stretch=float(np.exp(log_stretch)),
            inverted=candidate.inverted,
            _compute_coverage=lambda: _coverage(candidate.view, candidate.expected(word)),
            _place=partial(placements, candidate),
        )


def _repeated_mark(
    view: View, grid: Grid, pattern: Pattern, reference: tuple[float, float], word: NDArray[np.float32]
) -> NDArray[np.float32]:
    """As `Candidate.expected`."""
    tile = pattern.tile(pattern.target(word) * pattern.layout.taper)
    return placed_tile(tile, grid.pose, grid.shift, reference, view.canvas.shape)


def _coverage(view: View, mark: NDArray[np.float32]) -> NDArray[np.float32]:
    """As `Reading.coverage`; `mark`: float32[h, w], on the canvas."""
    rows, columns = (-(-side // CELL) for side in view.shape)
    high, wide = (max(1, round(side / CELL)) for side in view.seen)
    seen = view.seen[0] == view.shape[0], view.seen[1] == view.shape[1]
    high, wide = rows if seen[0] else high, columns if seen[1] else wide
    part = coverage_map(view.canvas, mark, (high, wide))
    result = np.full((rows, columns), np.nan, np.float32)
    top = min(round(view.corner[0] / CELL), rows - high)
    left = min(round(view.corner[1] / CELL), columns - wide)
    result[top : top + high, left : left + wide] = part
    return result
