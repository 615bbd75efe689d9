"""How a pattern is laid over an image: format one repeats its tile, format two gives every tile its own phases.

A carrier belongs to one pattern and one image of canonical scale. Embedding and its trials know nothing else of the
formats.
"""

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from watermark.tile.content import ContentSigns
from watermark.tile.pattern import TILE, Pattern
from watermark.tile.positions import Positions, Tiles
from watermark.tile.spectrum import tile_spectrum


class Carrier(Protocol):
    """A pattern laid over one image (float32[h, w] of canonical scale)."""

    @property
    def pattern(self) -> Pattern: ...

    @property
    def headroom(self) -> float:
        """How much clearer than the trials ask for a message must be: they know neither new edges nor the offset."""

    def field(self, amplitudes: NDArray[np.complex64]) -> NDArray[np.float32]:
        """The mark with these amplitudes (complex64[F], phase removed), before masking: float32[h, w]."""

    def received(self, luma: NDArray[np.float32], whitened: NDArray[np.float32]) -> NDArray[np.complex64]:
        """The spectrum that a reader sees in a copy of the image (both float32[h, w]): complex64[F]."""

    def quarters(self, luma: NDArray[np.float32], whitened: NDArray[np.float32]) -> list[NDArray[np.complex64]]:
        """The same for each quarter of the image, cut where a tile begins."""


Over = Callable[[Pattern, NDArray[np.float32]], Carrier]
"""Lays a pattern over an image (float32[h, w], luma of canonical scale)."""


_HEADROOM = 1.06
"""Of format two: keeps crops to a quarter as readable as in format one, for 0.2 to 0.4 dB of photographs' PSNR."""


class RepeatedTile:
    """Format one: the same tile everywhere."""

    def __init__(self, pattern: Pattern, host: NDArray[np.float32]) -> None:
        self.pattern = pattern
        self.headroom = 1.0
        self._shape = host.shape

    def field(self, amplitudes: NDArray[np.complex64]) -> NDArray[np.float32]:
        return repeated(self.pattern.tile(amplitudes), self._shape)

    def received(self, luma: NDArray[np.float32], whitened: NDArray[np.float32]) -> NDArray[np.complex64]:
        layout = self.pattern.layout
        return tile_spectrum(whitened)[layout.ky, layout.kx]

    def quarters(self, luma: NDArray[np.float32], whitened: NDArray[np.float32]) -> list[NDArray[np.complex64]]:
        return [self.received(part, part) for part in quarters_of(whitened)]


class PositionedTiles:
    """Format two: the template repeats; the message has phases by position and signs by content."""

    def __init__(
        self, pattern: Pattern, host: NDArray[np.float32], positions: Positions, content: ContentSigns
    ) -> None:
        self.pattern = pattern
        self.headroom = _HEADROOM
        self._positions = positions
        self._content = content
        self._signs = content.of(host)

    def field(self, amplitudes: NDArray[np.complex64]) -> NDArray[np.float32]:
        layout, shape = self.pattern.layout, (self._signs.shape[0], self._signs.shape[1])
        template = np.zeros_like(amplitudes)
        template[layout.sync] = amplitudes[layout.sync]
        message = (amplitudes * self.pattern.carrier)[layout.message]
        spread = self._positions.message_field(message, 0, 0, shape)
        return np.asarray(repeated(self.pattern.tile(template), shape) + spread * self._signs, np.float32)

    def received(self, luma: NDArray[np.float32], whitened: NDArray[np.float32]) -> NDArray[np.complex64]:
        layout = self.pattern.layout
        spectrum = tile_spectrum(whitened)[layout.ky, layout.kx]
        spectrum[layout.message] = self._positions.first(self._heard(luma, whitened))
        return spectrum

    def quarters(self, luma: NDArray[np.float32], whitened: NDArray[np.float32]) -> list[NDArray[np.complex64]]:
        """The template is left out: the trials listen to the message of a quarter alone."""
        layout, found = self.pattern.layout, []
        tiles = self._heard(luma, whitened)
        rows, columns = np.divmod(np.arange(tiles.rows * tiles.columns), tiles.columns)
        low, right = rows >= whitened.shape[0] // 2 // TILE, columns >= whitened.shape[1] // 2 // TILE
        for half in (~low, low):
            for side in (~right, right):
                spectrum = np.zeros(len(layout.ky), np.complex64)
                spectrum[layout.message] = self._positions.first(tiles, np.flatnonzero(half & side))
                found.append(spectrum)
        return found

    def _heard(self, luma: NDArray[np.float32], whitened: NDArray[np.float32]) -> Tiles:
        """The tiles under the signs that a reader computes, which are not quite those of the image itself."""
        return self._positions.tiles(whitened, self._content.of(luma))


def repeated(tile: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """`tile` (float32[64, 64]) repeated over an image of `shape`: float32[shape]."""
    return np.tile(tile, [-(-side // TILE) for side in shape])[: shape[0], : shape[1]]


def quarters_of(image: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """The four quarters of `image`, cut at tile boundaries so that each keeps the phase of the grid."""
    middle, centre = (side // 2 // TILE * TILE for side in image.shape)
    rows, columns = (slice(None, middle), slice(middle, None)), (slice(None, centre), slice(centre, None))
    return [image[vertical, horizontal] for vertical in rows for horizontal in columns]
