"""Reading format two: straighten the image under a grid, undo the signs, and find the offset of the sequence."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from watermark.tile import payload
from watermark.tile.agreement import Agreement
from watermark.tile.candidates import Candidate, View
from watermark.tile.content import ContentSigns
from watermark.tile.pattern import TILE, Layout, Pattern
from watermark.tile.positions import PERIOD, Positions, Tiles
from watermark.tile.rectification import Rectification, at_plane_scale
from watermark.tile.search import Grid

ISSUED_SCORE = 2.8
"""Agreement from which a message is decoded where the image was at most resized: eight are looked at."""
FOUND_SCORE = 3.5
"""The same where all 256 offsets were tried: reached by chance in about one of sixteen grids."""
DOUBTFUL_SCORE = 2.2
DOUBTFUL_GRID = 5.5
_DOUBTFUL = 3
"""Agreement from which so many further offsets are decoded, under a grid whose template scores as much: the right one
is not always the first. They must be confirmed."""
LIKELY_SCORE = 2.7
"""The same for the offsets that parts of images up to twice as long as wide have: 48, so chance reaches less."""


class PositionedReader:
    """Finds the messages of format two under the keys of one epoch. Immutable."""

    def __init__(self, layout: Layout, patterns: Sequence[Pattern], key: bytes) -> None:
        self._layout = layout
        self._patterns = patterns
        self.positions = Positions(layout, key)
        self.content = ContentSigns(key)
        self._agreement = Agreement(layout)

    def issued(
        self,
        luma: NDArray[np.float32],
        whitened: NDArray[np.float32],
        view: View,
        pose: NDArray[np.float64],
        shifts: Sequence[tuple[float, float]],
        known: Sequence[tuple[int, NDArray[np.float32]]] = (),
    ) -> list[tuple[float, Candidate]]:
        """The messages that are heard if the image was at most resized, under any key, each with its agreement.

        `luma`, `whitened`: the image at canonical size. `shifts`: of the grid under each key, in samples. `known`: key
        and word of messages that were read and are taken away first. In one epoch two messages lie on the same
        frequencies, and the clearer one would drown the other.
        """
        tiles = self.positions.tiles(whitened, self.content.of(luma))
        message = self.positions.first(tiles)
        for key, word in known:
            message = self._without(message, key, word)
        layout, found = self._layout, []
        for key, (down, right) in enumerate(shifts):
            turn = down * layout.ky[layout.message] + right * layout.kx[layout.message]
            placed = message * np.exp(2j * np.pi / TILE * turn).astype(np.complex64)
            components = self._agreement.components(self._patterns[key], placed)
            if (score := float(self._agreement.score(components))) < ISSUED_SCORE:
                continue
            plane = Rectification.of(view.canvas.shape, pose, (down, right), (0.0, 0.0))
            candidate = self._candidate(view, plane, (pose, key, False), plane.first, components)
            found.append((score, candidate))
        return found

    def found(self, view: View, grid: Grid, reference: tuple[float, float]) -> list[Candidate]:
        """The message under a grid that the search found, and others that it may be; often there is none.

        `view`: the negative, if the grid is inverted.
        """
        rectification = Rectification.of(view.canvas.shape, grid.pose, grid.shift, reference)
        offsets = self.positions.every_offset(self._straight_tiles(view, rectification))
        components = self._agreement.components(self._patterns[grid.key], offsets)
        scores = self._agreement.score(components) + _HEAD_START
        best, heard = np.argsort(-scores, axis=None)[: _DOUBTFUL + 1], (grid.pose, grid.key, grid.inverted)
        found: list[Candidate] = []
        for number, place in enumerate(best):
            offset = int(place) // PERIOD, int(place) % PERIOD
            likely = number == 0 and scores[offset] >= FOUND_SCORE
            if likely or (scores[offset] >= DOUBTFUL_SCORE and grid.score >= DOUBTFUL_GRID):
                candidate = self._candidate(view, rectification, heard, offset, components[offset])
                found.append(replace(candidate, doubtful=not likely))
        return found

    def beside(self, read: Candidate, word: NDArray[np.float32]) -> list[Candidate]:
        """The messages under other keys where `read` turned out to be `word`, which is taken away. Must be confirmed.

        An image that was marked twice holds both marks on the same tiles, whatever was done to it since.
        """
        if read.offset is None:
            raise ValueError("A message of format one has no place in the sequence; give one of format two.")
        offsets = self.positions.every_offset(self._straight_tiles(read.view, read.plane))
        message, found = self._without(offsets[read.offset], read.key, word), []
        for key, pattern in enumerate(self._patterns):
            components = self._agreement.components(pattern, message)
            if key != read.key and float(self._agreement.score(components)) >= ISSUED_SCORE:
                heard = (read.pose, key, read.inverted)
                found.append(self._candidate(read.view, read.plane, heard, read.offset, components))
        return found

    def _straight_tiles(self, view: View, rectification: Rectification) -> Tiles:
        """The tiles of the plane of `rectification`, as `view` shows them."""
        level = rectification.straightened(at_plane_scale(view.level, rectification), view.canvas.shape)
        return self.positions.tiles(level, self.content.of(_straight_luma(view.canvas, rectification)))

    def _without(self, message: NDArray[np.complex64], key: int, word: NDArray[np.float32]) -> NDArray[np.complex64]:
        """`message` (complex64[M]) less as much of `word` under `key` as is in it."""
        pattern, layout = self._patterns[key], self._layout
        heard = (pattern.target(word) * pattern.carrier)[layout.message]
        share = np.vdot(heard, message).real / np.vdot(heard, heard).real
        return np.asarray(message - share * heard, np.complex64)

    def _candidate(
        self,
        view: View,
        rectification: Rectification,
        heard: tuple[NDArray[np.float64], int, bool],
        offset: tuple[int, int],
        components: NDArray[np.float32],
    ) -> Candidate:
        pose, key, inverted = heard
        soft = self._agreement.soft(components)
        expected = partial(self._expected, view.canvas, rectification, self._patterns[key], offset)
        return Candidate(view, inverted, key, payload.POSITIONED, pose, rectification, offset, soft, expected)

    def _expected(
        self,
        canvas: NDArray[np.float32],
        rectification: Rectification,
        pattern: Pattern,
        offset: tuple[int, int],
        word: NDArray[np.float32],
    ) -> NDArray[np.float32]:
        """As `Candidate.expected`: the message alone, which shows where the picture is still the marked one."""
        layout = self._layout
        spectrum = (pattern.target(word) * layout.taper * pattern.carrier)[layout.message]
        field = self.positions.message_field(spectrum, *offset, rectification.size)
        signs = self.content.of(_straight_luma(canvas, rectification))
        return rectification.on_canvas(field * signs, canvas.shape)


def _head_start() -> NDArray[np.float32]:
    """What each offset of the first tile is ahead in agreement, because it is likelier: float32[16, 16]."""
    ahead, short, long = np.zeros((PERIOD, PERIOD), np.float32), PERIOD // 4, PERIOD // 2
    ahead[:short, :long] = ahead[:long, :short] = FOUND_SCORE - LIKELY_SCORE
    return ahead


_HEAD_START = _head_start()


def _straight_luma(canvas: NDArray[np.float32], rectification: Rectification) -> NDArray[np.float32]:
    near = at_plane_scale(canvas, rectification)
    return rectification.straightened(near, canvas.shape, border=cv2.BORDER_REPLICATE)
