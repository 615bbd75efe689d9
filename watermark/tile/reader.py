"""Reading the marks of one key epoch: the quick way for pictures that were at most resized, and the search."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import Final

import numpy as np
from numpy.typing import NDArray

from watermark.tile import payload, trellis
from watermark.tile.canvas import SHORT_SIDE, SMALL_SHORT_SIDE, scaled, steadied, whitened
from watermark.tile.coverage import CELL, covered
from watermark.tile.keyring import Epoch
from watermark.tile.pattern import TILE, Layout, Pattern
from watermark.tile.poses import AS_ISSUED
from watermark.tile.search import CLEAR_SCORE, Grid, Search, Searcher, best_first
from watermark.tile.spectrum import FineSpectrum, tile_spectrum

Look = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""How luma (float32[h, w]) is made even before it is read: one of the ways of `watermark.tile.canvas`."""

MAX_ATTEMPTS: Final = 64
"""Decoding attempts per extraction, over all epochs and keys; the bound on false readings rests on it."""
_QUICK_LOOKS: Final = (whitened, steadied)
"""How a picture that was at most resized is looked at, in turn: the second is for strong JPEG."""
_QUICK_GRIDS: Final = 2
"""Grids that are decoded in each look."""
QUICK_ATTEMPTS: Final = len(_QUICK_LOOKS) * _QUICK_GRIDS
"""Of an epoch's share of the attempts, those that go to pictures that were at most resized."""
_QUICK_SCORE: Final = 4.0
"""Score from which such a grid is decoded: few shifts are tried, so chance hardly gets there."""


@dataclass(frozen=True)
class Reading:
    """A mark that was found."""

    mark_id: int
    """In [0, 2**48)."""
    confidence: float
    """In (0, 1]: the share of the code symbols' strength that agrees with the decoded word, less what disagrees."""
    payload_version: int
    epoch: int
    """Which of the keyring's secrets it was made with: 0 is the newest."""
    scale: float
    """Size of the tile against that of an image merely resized: 1 as issued, above 1 cropped, below 1 padded."""
    rotation_degrees: float
    """Counter-clockwise, in (-180, 180]."""
    mirrored: bool
    """Whether the image is a mirror image (left and right swapped before the rotation)."""
    stretch: float
    """Change of width over height."""
    _cover: Callable[[], NDArray[np.float32]] = field(repr=False, compare=False)

    @cached_property
    def coverage(self) -> NDArray[np.float32]:
        """How much of the mark is left, by place: float32[ceil(H / 32), ceil(W / 32)] in [0, 1]; made when asked for.

        NaN beyond the middle of pictures more than twice as long as wide: nobody looked there.
        """
        return self._cover()


@dataclass(frozen=True, slots=True)
class View:
    """The part of a picture that is read."""

    canvas: NDArray[np.float32]
    """float32[h, w]: luma of the middle, short side at most the canonical one."""
    shape: tuple[int, int]
    """Of the whole picture, in pixels."""
    seen: tuple[int, int]
    """Height and width of the middle, in pixels."""

    @property
    def pitch(self) -> float:
        """Samples of the canvas that a tile measures if the picture was only resized."""
        return float(min(self.canvas.shape) * TILE / SHORT_SIDE)


class EpochReader:
    """Finds and decodes the marks of one epoch. Immutable."""

    def __init__(self, epoch: Epoch, number: int, attempts: int) -> None:
        """`number` of the epoch in its keyring; at most `attempts` grids are decoded in an extraction."""
        self.epoch = epoch
        self._number = number
        self._attempts = attempts
        layout = Layout(epoch.pattern, trellis.coded_length(payload.PAYLOAD_BITS))
        self.patterns = [Pattern(layout, phases) for phases in epoch.phases]
        self._searcher = Searcher(self.patterns)

    def as_issued(self, view: View) -> Reading | None:
        """The mark of a picture that was at most resized: the grid's place is known, no search is needed."""
        for look in _QUICK_LOOKS:
            grids = [grid for grid in self._issued_grids(view, look) if grid.score >= _QUICK_SCORE]
            if (reading := self._first_decoded(grids[:_QUICK_GRIDS], view, (0.0, 0.0))) is not None:
                return reading
        return None

    def anyhow(self, view: View, spectrum: FineSpectrum) -> Reading | None:
        """The mark of a picture that was changed in any way that is searched for; `spectrum` is of the whole view."""
        centre = view.canvas.shape[0] // 2, view.canvas.shape[1] // 2
        grids = islice(Search(spectrum, view.pitch, self._searcher).grids(), self._attempts - QUICK_ATTEMPTS)
        for some in _in_rounds(grids):
            if (reading := self._first_decoded(some, view, centre)) is not None:
                return reading
        return None

    def _issued_grids(self, view: View, look: Look) -> list[Grid]:
        """The grid of each key and canonical size if the picture was at most resized, best first."""
        layout, grids = self._searcher.layout, []
        for pose, side in zip(AS_ISSUED, (SHORT_SIDE, SMALL_SHORT_SIDE), strict=True):
            canonical = scaled(view.canvas, side / min(view.canvas.shape))
            heard = tile_spectrum(look(canonical))[layout.ky, layout.kx]
            grids += [self._searcher.grid(heard, key, pose, np.zeros(2)) for key in range(len(self.patterns))]
        return best_first(grids)

    def _first_decoded(self, grids: Sequence[Grid], view: View, reference: tuple[float, float]) -> Reading | None:
        """The first reading of `grids`, each of which is one decoding attempt."""
        if not grids:
            return None
        softs = np.stack([self.patterns[grid.key].soft(grid.heard) for grid in grids])
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
            _cover=lambda: _coverage(view, grid, pattern, word, reference),
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
    part = covered(view.canvas, tile, grid.pose, grid.shift, reference, (high, wide))
    whole = np.full((rows, columns), np.nan, np.float32)
    top, left = (rows - high) // 2, (columns - wide) // 2
    whole[top : top + high, left : left + wide] = part
    return whole


def _in_rounds(grids: Iterable[Grid]) -> Iterator[list[Grid]]:
    """Clear grids one by one, for the first is nearly always right; all faint ones together, which is faster."""
    faint = []
    for grid in grids:
        if grid.score >= CLEAR_SCORE:
            yield [grid]
        else:
            faint.append(grid)
    yield faint
