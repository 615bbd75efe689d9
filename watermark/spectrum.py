"""Fourier views of a whitened image: one period for marking, and one that can be sampled under any geometry."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from watermark.canvas import folded

_PADDING: Final = 3
"""Zero padding of the fine spectrum: with three times the image's side the nearest bin is off by at most 0.5 rad
of phase at the image's edge, so sampling between bins loses under a tenth of the amplitude."""
_NEIGHBOURHOOD: Final = 7
"""Side, in cycles per tile, of the square of frequencies whose mean power flattens each spectrum."""
_FLATTENING: Final = 0.2
"""Exponent on that power: 0.5 would whiten fully, but the mark's own lines are part of the mean."""


def tile_spectrum(image: NDArray[np.float32]) -> NDArray[np.complex64]:
    """The flattened spectrum of all tiles of `image` (float32[h, w], whitened) together: complex64[64, 64]."""
    return _flattened(np.fft.fft2(folded(image)).astype(np.complex64), (_NEIGHBOURHOOD, _NEIGHBOURHOOD))


class FineSpectrum:
    """The flattened spectrum of an image about its centre, sampled densely enough to read it at any frequency."""

    def __init__(self, image: NDArray[np.float32], pitch: float) -> None:
        """Transform `image` (float32[h, w], whitened), whose tiles measure about `pitch` samples."""
        height, width = image.shape
        self._size = cv2.getOptimalDFTSize(_PADDING * height), cv2.getOptimalDFTSize(_PADDING * width)
        padded = np.zeros(self._size, np.float32)
        padded[:height, :width] = image
        centred = np.roll(padded, (-(height // 2), -(width // 2)), axis=(0, 1))
        spectrum = cv2.dft(centred, flags=cv2.DFT_COMPLEX_OUTPUT).view(np.complex64)[..., 0]
        rows, columns = (round(_NEIGHBOURHOOD * side / pitch) | 1 for side in self._size)
        self._bins = _flattened(spectrum, (columns, rows)).ravel()

    def nearest(self, fy: NDArray[np.float32], fx: NDArray[np.float32]) -> NDArray[np.complex64]:
        """The spectrum at frequencies `fy`, `fx` (cycles per sample, any equal shape), from the nearest bins."""
        rows, columns = self._size
        return self._at(np.rint(fy * np.float32(rows)), np.rint(fx * np.float32(columns)))

    def between(self, fy: NDArray[np.float32], fx: NDArray[np.float32]) -> NDArray[np.complex64]:
        """As `nearest`, but interpolated linearly between the four bins around each frequency."""
        y, x = fy * np.float32(self._size[0]), fx * np.float32(self._size[1])
        y0, x0 = np.floor(y), np.floor(x)
        down, right = y - y0, x - x0
        top = self._at(y0, x0) * (1 - right) + self._at(y0, x0 + 1) * right
        bottom = self._at(y0 + 1, x0) * (1 - right) + self._at(y0 + 1, x0 + 1) * right
        return np.asarray(top * (1 - down) + bottom * down, dtype=np.complex64)

    def _at(self, row: NDArray[np.float32], column: NDArray[np.float32]) -> NDArray[np.complex64]:
        """The bins at whole-numbered positions, negative frequencies wrapped around."""
        rows, columns = self._size
        index = (row.astype(np.int32) % rows) * columns + column.astype(np.int32) % columns
        return self._bins.take(index)


def _flattened(spectrum: NDArray[np.complex64], neighbourhood: tuple[int, int]) -> NDArray[np.complex64]:
    """`spectrum` over a power of its mean power nearby (`neighbourhood`: columns, rows, both odd)."""
    nearby = cv2.blur(np.square(spectrum.real) + np.square(spectrum.imag), neighbourhood)
    floor = 1e-3 + 1e-6 * float(nearby.max())
    return np.asarray(spectrum * cv2.pow(nearby + np.float32(floor), -_FLATTENING), dtype=np.complex64)
