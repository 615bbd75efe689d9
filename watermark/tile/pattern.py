"""The keyed tile: which frequencies of a 64 x 64 tile synchronise, and which code symbols the others carry.

Spread spectrum after I. J. Cox, J. Kilian, F. T. Leighton, T. Shamoon, "Secure spread spectrum watermarking for
multimedia", IEEE Trans. Image Processing 6, 1997; the repeated tile and its template follow M. Kutter, "Watermarking
resisting to translation, rotation, and scaling", SPIE 3528, 1998, and S. Pereira, T. Pun, "Robust template matching
for affine resistant image watermarks", IEEE Trans. Image Processing 9, 2000.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from watermark.tile.keystream import KeyStream

TILE: Final = 64
"""Samples along a side of the tile; four tiles span the canonical image (short side 256)."""

BAND: Final = (4.0, 18.0)
"""Radii used, in cycles per tile: most of an image's energy is below, and above JPEG at half size leaves nothing.
The band has 482 frequencies: one (two components) for each of the 368 code symbols, and 114 for the template."""
SYNC_BAND: Final = (5.0, 15.0)
"""Radii of the synchronisation template: low enough to survive, high enough to locate."""
SYNC_GAIN: Final = 1.7
"""Amplitude of a template frequency relative to one of the two components of a message frequency."""
TAPER_RADIUS: Final = 15.0
"""Amplitude falls as 1 / radius beyond this radius: JPEG would drop these frequencies anyway."""

_NOISE_RADII: Final = np.arange(4.0, 19.0)
_NOISE_RMS: Final = np.array([1.96, 1.53, 1.41, 1.35, 1.19, 1.09, 1.00, 0.98, 0.86, 0.73, 0.67, 0.61, 0.55, 0.51, 0.49])
"""Relative RMS of unmarked photographs after whitening, at 4, 5 ... 18 cycles per tile (measured).

Weights are amplitude over RMS, not over power as would be optimal for an unchanged image: JPEG evens out the noise, and
removes most from the high frequencies that power weights favour. This gains 0.3 to 0.9 dB at equal robustness."""


class Layout:
    """Derived from the layout key: the synchronisation frequencies, and the symbol and sign of each other frequency.

    All keys of an epoch share it, so that one spectrum of an image serves them all. Arrays are over the band's F
    frequencies; only one of each pair k, -k is listed: the tile is real, so the other follows by symmetry.
    """

    def __init__(self, key: bytes, code_length: int) -> None:
        """Distribute `code_length` code symbols and the template over the band."""
        self.code_length = code_length
        self.ky, self.kx = _half_band()
        radius = np.hypot(self.ky, self.kx)
        self.taper = np.minimum(1.0, TAPER_RADIUS / radius).astype(np.float32)
        noise = np.interp(radius, _NOISE_RADII, _NOISE_RMS)
        self.weight = (self.taper / noise / np.mean(self.taper / noise)).astype(np.float32)
        self.sync = _choose_sync(radius, len(radius) - code_length, KeyStream(key, b"sync"))
        self.message = np.setdiff1d(np.arange(len(radius)), self.sync)
        components = np.repeat(radius[self.message], 2)  # real and imaginary part of each message frequency
        self.slot = _spread(components, code_length, KeyStream(key, b"slots"))
        self.sign = KeyStream(key, b"signs").signs(len(components))


class Pattern:
    """One key's tile: a layout, and the phase of each of its frequencies."""

    def __init__(self, layout: Layout, phase_key: bytes) -> None:
        self.layout = layout
        phases = KeyStream(phase_key, b"phase").fractions(len(layout.ky))
        self.carrier = np.exp(2j * np.pi * phases).astype(np.complex64)
        self.template = np.conj(self.carrier[layout.sync]) * layout.weight[layout.sync]
        """complex64[S]: factors for a spectrum's template frequencies, to find the tile."""

    def target(self, code_word: NDArray[np.float32]) -> NDArray[np.complex64]:
        """The target of each frequency, phase removed: complex64[F], components +1 or -1, the template real."""
        layout = self.layout
        target = np.empty(len(layout.ky), np.complex64)
        target[layout.message] = (code_word[layout.slot] * layout.sign).view(np.complex64)
        target[layout.sync] = SYNC_GAIN
        return target

    def tile(self, amplitudes: NDArray[np.complex64]) -> NDArray[np.float32]:
        """The tile with these amplitudes (complex64[F], phase removed): float32[64, 64]."""
        spectrum = np.zeros((TILE, TILE), np.complex64)
        spectrum[self.layout.ky, self.layout.kx] = amplitudes * self.carrier
        return np.asarray(np.fft.ifft2(spectrum).real, dtype=np.float32)

    def soft(self, spectrum: NDArray[np.complex64]) -> NDArray[np.float32]:
        """The soft value of each code symbol in `spectrum` (complex64[F], phase included): float32[code_length]."""
        layout = self.layout
        weighted = (spectrum * np.conj(self.carrier) * layout.weight)[layout.message]
        components = np.ascontiguousarray(weighted, np.complex64).view(np.float32)
        return np.bincount(layout.slot, components * layout.sign, layout.code_length).astype(np.float32)


def _half_band() -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The frequencies of `BAND` with kx > 0, or kx = 0 and ky > 0: two intp[F], cycles per tile."""
    reach = int(BAND[1])
    ky, kx = np.mgrid[-reach : reach + 1, 0 : reach + 1]
    radius = np.hypot(ky, kx)
    inside = (radius >= BAND[0]) & (radius <= BAND[1]) & ((kx > 0) | (ky > 0))
    return ky[inside].astype(np.intp), kx[inside].astype(np.intp)


def _choose_sync(radius: NDArray[np.float64], count: int, stream: KeyStream) -> NDArray[np.intp]:
    """Indices of `count` template frequencies, ascending."""
    order = stream.order(len(radius))
    fit = order[(radius[order] >= SYNC_BAND[0]) & (radius[order] <= SYNC_BAND[1])]
    return np.sort(fit[:count])


def _spread(radii: NDArray[np.float64], code_length: int, stream: KeyStream) -> NDArray[np.intp]:
    """The code symbol of each component (`radii`: float64[C]): intp[C].

    Components are assigned from low to high frequency, in rounds over all symbols in keyed order, so every symbol gets
    its share of strong low frequencies.
    """
    order = np.argsort(radii, kind="stable")
    rounds = -(-len(radii) // code_length)
    decks = [np.argsort(words, kind="stable") for words in stream.words(rounds * code_length).reshape(rounds, -1)]
    slot = np.empty(len(radii), np.intp)
    slot[order] = np.concatenate(decks)[: len(radii)]
    return slot
