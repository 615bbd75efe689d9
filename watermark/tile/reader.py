"""Read the marks of one key epoch: a fast path for images that were at most resized, and the search."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from math import log, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from watermark.tile import payload, trellis
from watermark.tile.candidates import Candidate, View
from watermark.tile.canvas import SHORT_SIDE, SMALL_SHORT_SIDE, scaled, whitened, whitened_for_jpeg
from watermark.tile.coverage import CELL, coverage_map, placed_tile
from watermark.tile.keyring import Epoch
from watermark.tile.known_mark import KnownMarkTest
from watermark.tile.pattern import Layout, Pattern
from watermark.tile.placement import placements
from watermark.tile.poses import AS_ISSUED
from watermark.tile.positioned import PositionedReader
from watermark.tile.reading import Reading
from watermark.tile.rectification import Rectification
from watermark.tile.search import CLEAR_SCORE, SUBSAMPLES, Grid, Search, Searcher, by_score
from watermark.tile.spectrum import FineSpectrum, tile_spectrum

_Listen = Callable[..., list[tuple[float, Candidate]]]
"""The messages of format two that are heard under one pose, once those of known marks were taken away."""
Whitening = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""A normalisation of luma (float32[h, w]) before reading, from `watermark.tile.canvas`."""

MAX_ATTEMPTS: Final = 64
"""Decoding attempts per extraction, over all epochs, keys and formats; the bound on false positives depends on it.
Further ones count only if they are confirmed."""
MAX_CONFIRMED: Final = 2**16
_CONFIRMED_BITS: Final = 50
"""A confirmed attempt reads an unmarked image with a probability of at most 2**-50, and there are at most 2**16."""
CONFIRMED_AGREEMENT: Final = sqrt(2 * log(2) * (payload.ID_BITS + _CONFIRMED_BITS))
"""Agreement of a confirmed word with its soft values, in standard deviations of chance (11.7). The symbols' signs are
keyed, so each word reaches z by chance with a probability of at most exp(-z**2 / 2), and 2**48 words pass the check.
Words that decode at all lie between 10.5 and 19.2."""
_WHITENINGS: Final = (whitened, whitened_for_jpeg)
"""Normalisations of the fast path, in order; the second one is for strong JPEG."""
_QUICK_GRIDS: Final = 2
"""Grids decoded for each normalisation as format one."""
_QUICK_MESSAGES: Final = 1
"""The same as format two, where the message itself tells where it is. What else is heard there is of another mark, and
must be confirmed."""
_CLEAR_MESSAGE: Final = 5.0
"""Agreement from which a message of format two is decoded before others are listened to: chance reaches it once in
three million times."""
QUICK_ATTEMPTS: Final = len(_WHITENINGS) * (_QUICK_GRIDS + _QUICK_MESSAGES)
"""The part of an epoch's attempts used by the fast path."""
_QUICK_SCORE: Final = 4.0
"""Score from which the fast path decodes a grid: few shifts are tried, so chance hardly reaches it."""
_SECOND_VIEW: Final = 3
"""The part inside plain margins gets one in three attempts of the search."""
_FAINT_GRIDS: Final = 12
"""Faint grids, best first, that are also straightened to look for format two."""


SEARCH_TRIALS: Final = 2.0**27
"""How many independent scores the best grid of a search counts as: poses and shifts overlap, and refinement picks the
best of its surroundings. 150 unmarked crops scored as 2**24 would (see `search.CLEAR_SCORE`); the rest is margin."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One look at an image: how clearly the template was heard there, and what was read."""

    template: float
    """Score of the clearest grid, in standard deviations of chance."""
    reading: Reading | None = None


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
        self.known = KnownMarkTest(self.patterns, self.positioned, epoch.check)
        self._searcher = Searcher(self.patterns)

    def resized(self, view: View, *, confirmed: bool = False) -> Iterator[Heard]:
        """The fast path for images that were at most resized: the grid's pose is known, so no search is needed.

        The first reading is nearly always the only one; to go on costs little and finds a second mark. `confirmed`: all
        attempts must be confirmed, because the view is one of many.
        """
        for whiten in _WHITENINGS:
            yield from self._issued(view, whiten, confirmed=confirmed)

    def nearly_issued(self, view: View) -> Iterator[Heard]:
        """As `resized`, for views whose edges are known to a few pixels only. All attempts must be confirmed."""
        search = Search(FineSpectrum(view.level, view.pitch), view.pitch, self._searcher)
        for template, candidates in self._located(view, search.nearly_issued(view.canvas.shape)):
            yield from self._heard(template, candidates, confirmed=True)

    @property
    def quick_trials(self) -> int:
        """How many template scores `resized` looks at."""
        return len(_WHITENINGS) * len(AS_ISSUED) * len(self.patterns) * len(SUBSAMPLES) ** 2

    def shares(self, views: int) -> list[int]:
        """How many candidates the search may decode in each of `views` (one or two) views of an image."""
        left = max(0, self._attempts - views * QUICK_ATTEMPTS)
        return [left] if views == 1 else [left - left // _SECOND_VIEW, left // _SECOND_VIEW]

    def search(
        self,
        view: View,
        spectrum: FineSpectrum,
        attempts: int | None = None,
        *,
        fast: bool = False,
        confirmed: bool = False,
    ) -> Iterator[Heard]:
        """Search for marks under all poses; `spectrum` is that of the entire view.

        `attempts`: from `shares`; by default those of an only view. `fast`: only up to ten degrees from a quarter turn,
        with nearly the same aspect, and in its own colours. `confirmed`: all attempts must be confirmed.
        """
        left = self.shares(1)[0] if attempts is None else attempts
        search = Search(spectrum, view.pitch, self._searcher)
        for template, candidates in self._located(view, search.grids(None if fast else view.canvas)):
            certain = [candidate for candidate in candidates if not candidate.doubtful][:left]
            doubtful = [candidate for candidate in candidates if candidate.doubtful]
            yield from self._heard_and_beside(template, certain + doubtful, confirmed=confirmed)
            left -= len(certain)

    def _issued(self, view: View, whiten: Whitening, *, confirmed: bool) -> Iterator[Heard]:
        """What is heard if the image was at most resized: format two, then format one.

        A clear message is decoded before the next pose is listened to: it is nearly always the only mark.
        """
        grids: list[Grid] = []
        messages: list[tuple[float, Candidate]] = []
        listened: list[_Listen] = []
        read: list[Reading] = []
        unconfirmed = _QUICK_MESSAGES
        for pose, side in zip(AS_ISSUED, (SHORT_SIDE, SMALL_SHORT_SIDE), strict=True):
            here, listen = self._listened(view, whiten, pose, side)
            grids += here
            listened.append(listen)
            messages += listen()
            messages.sort(key=lambda message: -message[0])
            if unconfirmed and messages and messages[0][0] >= _CLEAR_MESSAGE:
                clearest, messages, unconfirmed = messages[0][1], messages[1:], unconfirmed - 1
                yield from _kept(self._heard(_clearest(grids), [clearest], confirmed=confirmed), read)
        template, heard = _clearest(grids), [candidate for _, candidate in messages]
        yield from _kept(self._heard(template, heard[:unconfirmed], confirmed=confirmed), read)
        yield from _kept(self._heard(template, heard[unconfirmed:], confirmed=True), read)
        if read:
            known = [(reading.key, self._word(reading)) for reading in read]
            beside = [candidate for listen in listened for _, candidate in listen(known)]
            yield from self._heard(template, beside, confirmed=True)
        clear = [grid for grid in by_score(grids) if grid.score >= _QUICK_SCORE]
        repeated = [self._repeated(grid, view, (0.0, 0.0), whole=True) for grid in clear]
        yield from self._heard(template, repeated[:_QUICK_GRIDS], confirmed=confirmed)
        yield from self._heard(template, repeated[_QUICK_GRIDS:], confirmed=True)

    def _listened(
        self, view: View, whiten: Whitening, pose: NDArray[np.float64], side: int
    ) -> tuple[list[Grid], "_Listen"]:
        """The grid under each key if the image was marked with `side` samples on its short side, and its messages."""
        layout = self._searcher.layout
        canonical = scaled(view.canvas, side / min(view.canvas.shape))
        level = whiten(canonical)
        received = tile_spectrum(level)[layout.ky, layout.kx]
        grids = [self._searcher.issued(received, key, pose) for key in range(len(self.patterns))]
        shifts = [grid.shift if grid.score >= _QUICK_SCORE else (0.0, 0.0) for grid in grids]
        return grids, partial(self.positioned.issued, canonical, level, view, pose, shifts)

    def _located(self, view: View, grids: Iterable[Grid]) -> Iterator[tuple[float, list[Candidate]]]:
        """What to decode of the grids that the search found, together what is decoded together, and its best score.

        Clear grids one by one, because the first is nearly always right; all faint ones together, which is faster.
        """
        centre = view.canvas.shape[0] // 2, view.canvas.shape[1] // 2
        faint: list[Grid] = []
        for grid in grids:
            if grid.score >= CLEAR_SCORE:
                yield grid.score, [*self._positioned(grid, view, centre), self._repeated(grid, view, centre)]
            else:
                faint.append(grid)
        messages = [one for grid in faint[:_FAINT_GRIDS] for one in self._positioned(grid, view, centre)]
        best = max((grid.score for grid in faint), default=0.0)
        yield best, messages + [self._repeated(grid, view, centre) for grid in faint]

    def _positioned(self, grid: Grid, view: View, reference: tuple[float, float]) -> list[Candidate]:
        """The grid's message of format two, if there seems to be one, and others that it may be."""
        return self.positioned.found(view.negative if grid.inverted else view, grid, reference)

    def _repeated(self, grid: Grid, view: View, reference: tuple[float, float], *, whole: bool = False) -> Candidate:
        """The grid's message of format one. `whole`: the image is the marked one, at most resized."""
        pattern = self.patterns[grid.key]
        plane = Rectification.of(view.canvas.shape, grid.pose, grid.shift, reference)
        expected = partial(_repeated_mark, view, grid, pattern, reference)
        offset = plane.first if whole else None
        soft = pattern.soft(grid.spectrum)
        seen = view.negative if grid.inverted else view
        return Candidate(seen, grid.inverted, grid.key, payload.REPEATED, grid.pose, plane, offset, soft, expected)

    def _heard(self, template: float, candidates: Sequence[Candidate], *, confirmed: bool = False) -> Iterator[Heard]:
        """What `candidates` decode to; each counts as an attempt.

        `confirmed`: only words that agree so well with what was heard that chance alone would not do it.
        """
        if not candidates:
            yield Heard(template)
            return
        for candidate, bits in zip(candidates, self._decoded(candidates), strict=True):
            yield Heard(template, self._read(candidate, bits, confirmed=confirmed or candidate.doubtful))

    def _heard_and_beside(
        self, template: float, candidates: Sequence[Candidate], *, confirmed: bool
    ) -> Iterator[Heard]:
        """As `_heard`; where a mark of format two is read, marks of other keys are listened for on the same tiles."""
        for number, each in enumerate(self._heard(template, candidates, confirmed=confirmed)):
            yield each
            if each.reading is not None and candidates[number].version == payload.POSITIONED:
                beside = self.positioned.beside(candidates[number], self._word(each.reading))
                yield from self._heard(template, beside, confirmed=True)

    def _decoded(self, candidates: Sequence[Candidate]) -> NDArray[np.uint8]:
        """The likeliest payload of each candidate: uint8[n, 84]."""
        return trellis.decode(np.stack([candidate.soft for candidate in candidates]))

    def _read(self, candidate: Candidate, bits: NDArray[np.uint8], *, confirmed: bool) -> Reading | None:
        word = trellis.encode(bits)
        if confirmed and not self._agrees(candidate.soft, word):
            return None
        mark_id = payload.unseal(bits, self.epoch.check, candidate.version)
        return None if mark_id is None else self._reading(mark_id, candidate, word)

    def _word(self, reading: Reading) -> NDArray[np.float32]:
        """The code word of a mark that was read: float32[code_length]."""
        return trellis.encode(payload.seal(reading.mark_id, self.epoch.check, reading.payload_version))

    @staticmethod
    def _agrees(soft: NDArray[np.float32], word: NDArray[np.float32]) -> bool:
        """Whether `word` agrees with `soft` (both float32[code_length]) so well that it is confirmed."""
        return bool(soft @ word >= CONFIRMED_AGREEMENT * np.linalg.norm(soft))

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
            key=candidate.key,
            _compute_coverage=lambda: _coverage(candidate.view, candidate.expected(word)),
            _place=partial(placements, candidate),
        )


def _kept(heard: Iterable[Heard], read: list[Reading]) -> Iterator[Heard]:
    """`heard`, with what was read added to `read`."""
    for each in heard:
        yield each
        read += [each.reading] if each.reading is not None else []


def _clearest(grids: Iterable[Grid]) -> float:
    """The best template score."""
    return max(grid.score for grid in grids)


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
