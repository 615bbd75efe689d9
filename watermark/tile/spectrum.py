"""Spectra of a whitened image: folded to one tile, and fine enough to be sampled under any geometry."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from watermark.tile.canvas import folded

_PADDING: Final = 3
"""Zero padding of the fine spectrum: at three times the image's side the phase error of the nearest bin is at most 0.5
rad at the image's edge, so sampling between bins loses less than a tenth of the amplitude."""
_NEIGHBOURHOOD: Final = 7
"""Side, in cycles per tile, of the square of frequencies whose mean power flattens each spectrum."""
_FLATTENING: Final = 0.2
"""Exponent of that power: 0.5 would whiten fully, but the mean includes the mark's own lines."""
_EVENING_BINS: Final = 9
_EVENING: Final = 0.35
"""The same for `evened`, in bins of the image's own spectrum: the mark of format two has no lines there."""


def tile_spectrum(image: NDArray[np.float32]) -> NDArray[np.complex64]:
    """The flattened spectrum of the sum of all tiles of `image` (float32[h, w], whitened): complex64[64, 64]."""
    spectrum = cv2.dft(folded(image), flags=cv2.DFT_COMPLEX_OUTPUT).view(np.complex64)[..., 0]
    return _flattened(spectrum, (_NEIGHBOURHOOD, _NEIGHBOURHOOD))


def evened(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """`image` (float32[h, w]) with its spectrum nearly flat, whatever blur or compression did to it: same shape.

    A tile alone has sharp edges, across which the strong frequencies of an image would reach the weak ones.
    """
    waves = np.fft.rfft2(image)
    power = np.square(waves.real) + np.square(waves.imag)
    nearby = cv2.blur(power, (_EVENING_BINS, _EVENING_BINS), borderType=cv2.BORDER_REFLECT) + np.float32(1e-3)
    return np.asarray(np.fft.irfft2(waves * cv2.pow(nearby, -_EVENING), s=image.shape), np.float32)


class FineSpectrum:
    """The flattened spectrum of an image about its centre, dense enough to be read at any frequency.

    Only half is stored: the image is real, so the spectrum at -f is the conjugate of that at f.
    """

    def __init__(self, image: NDArray[np.float32], pitch: float) -> None:
        """Transform `image` (float32[h, w], normalised: see `canvas`), whose tiles measure about `pitch` samples."""
        self._rows, columns = (2 * cv2.getOptimalDFTSize(-(-_PADDING * side // 2)) for side in image.shape)
        self._columns = columns
        self._kept = columns // 2
        spectrum = _half_spectrum(_centred(image, (self._rows, columns)))
        high, wide = (round(_NEIGHBOURHOOD * side / pitch) | 1 for side in (self._rows, columns))
        self._bins = _flattened(spectrum, (wide, high)).ravel()

    def nearest(self, fy: NDArray[np.float32], fx: NDArray[np.float32]) -> NDArray[np.complex64]:
        """The spectrum at frequencies `fy`, `fx` (cycles per sample, any equal shape), from the nearest bins."""
        row, column = np.rint(fy * np.float32(self._rows)), np.rint(fx * np.float32(self._columns))
        return self._at(row.astype(np.int32), column.astype(np.int32))

    def between(self, fy: NDArray[np.float32], fx: NDArray[np.float32]) -> NDArray[np.complex64]:
        """As `nearest`, but interpolated linearly between the four bins around each frequency."""
        y, x = fy * np.float32(self._rows), fx * np.float32(self._columns)
        y0, x0 = np.floor(y), np.floor(x)
        down, right = y - y0, x - x0
        row, column = y0.astype(np.int32), x0.astype(np.int32)
        top = self._at(row, column) * (1 - right) + self._at(row, column + 1) * right
        bottom = self._at(row + 1, column) * (1 - right) + self._at(row + 1, column + 1) * right
        return np.asarray(top * (1 - down) + bottom * down, dtype=np.complex64)

    def _at(self, row: NDArray[np.int32], column: NDArray[np.int32]) -> NDArray[np.complex64]:
        """The bins at integer positions, including negative ones, clamped to half a cycle per sample."""
        mirrored = column < 0
        side = np.where(mirrored, np.int32(-1), np.int32(1))
        index = (row * side % self._rows) * self._kept + np.minimum(column * side, self._kept - 1)
        value = self._bins.take(index)
        value.imag *= side
        return value


def _centred(image: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """`image` zero-padded to `size` with its centre at the origin: the quadrants wrap around."""
    field = np.zeros(size, np.float32)
    middle, centre = image.shape[0] // 2, image.shape[1] // 2
    high, wide = image.shape[0] - middle, image.shape[1] - centre
    field[:high, :wide] = image[middle:, centre:]
    field[:high, size[1] - centre :] = image[middle:, :centre]
    field[size[0] - middle :, :wide] = image[:middle, centre:]
    field[size[0] - middle :, size[1] - centre :] = image[:middle, :centre]
    return field


def _half_spectrum(field: NDArray[np.float32]) -> NDArray[np.complex64]:
    """The Fourier transform of `field` (float32[H, W], sides even) at columns 0 to W/2 - 1: complex64[H, W/2].

    A real transform takes a third of the time of a complex one. OpenCV packs its result into a real array row by row;
    the columns 0 and W/2, which are redundant too, are packed once more from top to bottom.
    """
    packed = cv2.dft(field)
    half = np.empty((len(field), field.shape[1] // 2), np.complex64)
    half[:, 1:] = np.ascontiguousarray(packed[:, 1:-1]).view(np.complex64)
    middle = len(field) // 2
    half[0, 0], half[middle, 0] = packed[0, 0], packed[-1, 0]
    half[1:middle, 0] = packed[1:-1:2, 0] + 1j * packed[2:-1:2, 0]
    half[middle + 1 :, 0] = np.conj(half[middle - 1 : 0 : -1, 0])
    return half


def _flattened(spectrum: NDArray[np.complex64], neighbourhood: tuple[int, int]) -> NDArray[np.complex64]:
    """`spectrum` divided by a power of its local mean power (`neighbourhood`: columns, rows, both odd)."""
    nearby = cv2.blur(np.square(spectrum.real) + np.square(spectrum.imag), neighbourhood)
    floor = 1e-3 + 1e-6 * float(nearby.max())
    return np.asarray(spectrum * cv2.pow(nearby + np.float32(floor), -_FLATTENING), dtype=np.complex64)
