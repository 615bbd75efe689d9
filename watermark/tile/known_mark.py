"""Whether an image carries one known mark, although its id cannot be read, or had it subtracted.

Reading an id asks which of 2**48 words the soft values agree with; this asks only how well they agree with one. A fifth
of the energy is enough. The image must lie as it was issued: the caller knows from its look which issued image it may
be, and so how large that was.

The statistic is a sum of the image's components, each under its own keyed sign, over the root of the sum of their
squares. If the image has nothing to do with the key it is about standard normal, whatever it shows. It is looked at
from both sides: an embedded mark makes it large, a subtracted one makes it negative.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from watermark.tile import payload, trellis
from watermark.tile.agreement import Agreement
from watermark.tile.canvas import calm_weighted, canonical_side, contrast_weighted, whitened
from watermark.tile.pattern import Pattern
from watermark.tile.positioned import PositionedReader
from watermark.tile.reading import chance
from watermark.tile.search import chance_of
from watermark.tile.spectrum import tile_spectrum

_LOOKS: Final = ((whitened, np.inf), (contrast_weighted, np.inf), (calm_weighted, 10.5))
"""Normalisations that the image is looked at with, and the highest frequencies used, in cycles per tile. The first two
are for compression and denoising, the last for what leaves low frequencies only: blur, and enlarged thumbnails."""
_VERSIONS: Final = (payload.REPEATED, payload.POSITIONED)
_SHARED: Final = payload.VERSION_BITS * trellis.RATE
"""Code symbols at the start of a word that all ids share: another id's mark must not count."""


@dataclass(frozen=True, slots=True)
class KnownMark:
    """The strongest trace of a known mark, in standard deviations of chance; negative if it was subtracted."""

    message: float
    """Of the id itself."""
    template: float
    """Of the template, which all marks under a key share."""
    trials: int
    """Under how many keys, formats and normalisations it was looked for."""

    @property
    def p_value(self) -> float:
        """Upper bound of the probability that an image without the mark reaches `message` from either side."""
        return chance(abs(self.message), 2 * self.trials)

    @property
    def template_p_value(self) -> float:
        """The same for `template`."""
        return chance(abs(self.template), 2 * self.trials)


class KnownMarkTest:
    """The test under the keys of one epoch. Immutable."""

    def __init__(self, patterns: Sequence[Pattern], positioned: PositionedReader, check: bytes) -> None:
        """`check`: the key of the payload's check."""
        self._patterns = patterns
        self._positioned = positioned
        self._check = check
        self._layout = patterns[0].layout
        self._agreement = Agreement(self._layout)
        self._own = self._layout.slot >= _SHARED
        self._radius = np.hypot(self._layout.ky, self._layout.kx)[self._layout.message].repeat(2)

    def traces(self, luma: NDArray[np.float32], mark_id: int) -> Iterator[tuple[float, float]]:
        """The message's and the template's score under every key, format and normalisation.

        `luma`: float32[h, w] of the shape of `canonical_shape`.
        """
        words = {version: trellis.encode(payload.seal(mark_id, self._check, version)) for version in _VERSIONS}
        signs = self._positioned.content.of(luma)
        layout, positions = self._layout, self._positioned.positions
        for look, highest in _LOOKS:
            level = look(luma)
            used = self._own & (self._radius <= highest)
            repeated = tile_spectrum(level)[layout.ky, layout.kx]
            messages = {
                payload.REPEATED: repeated[layout.message],
                payload.POSITIONED: positions.first(positions.tiles(level, signs)),
            }
            for pattern in self._patterns:
                template = repeated[layout.sync] * pattern.template
                located = float(template.real.sum() / chance_of(template))
                for version, message in messages.items():
                    heard = self._agreement.components(pattern, message)[used]
                    expected = words[version][layout.slot[used]]
                    yield float(heard @ expected / (np.linalg.norm(heard) + 1e-12)), located


def strongest(traces: Iterable[tuple[float, float]]) -> KnownMark:
    """The strongest of the traces under any key, format and normalisation."""
    messages, templates = zip(*traces, strict=True)
    return KnownMark(max(messages, key=abs), max(templates, key=abs), len(messages))


def canonical_shape(issued: tuple[int, int]) -> tuple[int, int]:
    """(height, width), in samples, at which an image of `issued` (height, width) pixels was marked."""
    factor = canonical_side(min(issued)) / min(issued)
    return max(1, round(issued[0] * factor)), max(1, round(issued[1] * factor))
