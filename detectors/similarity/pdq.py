"""PDQ, the perceptual hash of ThreatExchange, in NumPy and OpenCV.

The algorithm and its constants are those of https://github.com/facebook/ThreatExchange/tree/main/pdq (hashing.pdf and
the C++ reference). The reference sums in 32-bit floats and this in 64-bit ones, so that a bit whose value lies at the
median may differ. Its Python binding, `pdqhash`, has no wheel for Linux and would need a C++ compiler there.
"""

import functools
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bits = NDArray[np.bool_]

BITS: Final = 256
_LEAST_SIDE = 5  # px; anything smaller has no hash
_SIDE, _KEPT = 64, 16  # of the reduced image, and of its spectrum
_PASSES = 2  # of a box filter, which together are a tent
_LUMA = np.array([[0.299, 0.587, 0.114]])


def pdq(rgb: NDArray[np.uint8]) -> tuple[Bits, int]:
    """The hash (256 bits, in the order in which PDQ writes them) and the quality, 0 to 100, of an RGB image.

    `rgb`: uint8, H x W x 3. An image of less than 5 px on a side has quality 0 and no bit set.
    """
    spectrum, quality = _spectrum(rgb)
    return _bits(spectrum), quality


def pdq_dihedral(rgb: NDArray[np.uint8]) -> tuple[list[Bits], int]:
    """The hashes of the eight orientations of an image, from one pass over its pixels, and the quality.

    In this order: as it is, turned by 90, 180 and 270 degrees, mirrored in X, in Y, and in both diagonals.
    """
    spectrum, quality = _spectrum(rgb)
    signs = np.where(np.arange(_KEPT) % 2, 1.0, -1.0)
    rows, columns = spectrum * signs[:, None], spectrum * signs
    both = rows * signs
    turned = (spectrum, columns.T, both, rows.T, rows, columns, spectrum.T, both.T)
    return [_bits(one) for one in turned], quality


def _spectrum(rgb: NDArray[np.uint8]) -> tuple[Floats, int]:
    """The lowest 16 x 16 frequencies but the mean, and the quality."""
    if min(rgb.shape[:2]) < _LEAST_SIDE:
        return np.zeros((_KEPT, _KEPT)), 0
    reduced = _reduced(rgb)
    cosines = _cosines()
    return cosines @ reduced @ cosines.T, _quality(reduced)


def _reduced(rgb: NDArray[np.uint8]) -> Floats:
    """64 x 64 of the blurred luma."""
    height, width = rgb.shape[:2]
    luma: NDArray[np.float32] = np.asarray(cv2.transform(np.ascontiguousarray(rgb, np.float32), _LUMA), np.float32)
    luma = luma.reshape(height, width)
    down, across = (-(-side // (2 * _SIDE)) for side in (height, width))
    if down > 1 or across > 1:
        share = np.reciprocal(np.outer(_counts(height, down), _counts(width, across)).astype(np.float32))
        for _ in range(_PASSES):
            luma = np.multiply(_sums(luma, down, across), share, dtype=np.float32)
    rows, columns = (((np.arange(_SIDE) + 0.5) * side / _SIDE).astype(int) for side in (height, width))
    return luma[np.ix_(rows, columns)].astype(np.float64)


def _sums(luma: NDArray[np.float32], down: int, across: int) -> NDArray[np.float32]:
    """The sum around each pixel of those that there are; an even window reaches further to the right and down."""
    anchor = ((across - 1) // 2, (down - 1) // 2)
    box = cv2.boxFilter(luma, -1, (across, down), anchor=anchor, normalize=False, borderType=cv2.BORDER_CONSTANT)
    return np.asarray(box, np.float32)


def _counts(side: int, window: int) -> NDArray[np.int64]:
    """How many pixels of a side lie in the window around each of them."""
    places = np.arange(side)
    before = (window - 1) // 2
    return np.minimum(places - before + window, side) - np.maximum(places - before, 0)


def _quality(reduced: Floats) -> int:
    """The sum of what neighbours differ by, in whole hundredths of the range."""
    steps = (np.trunc(np.diff(reduced, axis=axis) * 100 / 255) for axis in (0, 1))
    return min(100, int(sum(np.abs(one).sum() for one in steps)) // 90)


def _bits(spectrum: Floats) -> Bits:
    values = spectrum.reshape(-1)
    median = np.partition(values, BITS // 2 - 1)[BITS // 2 - 1]  # the lower of the two
    return np.asarray(values > median)[::-1]


@functools.cache
def _cosines() -> Floats:
    """16 x 64: the rows 1 to 16 of a cosine transform of 64."""
    frequencies, places = np.arange(1, _KEPT + 1)[:, None], np.arange(_SIDE)
    return np.asarray(np.sqrt(2 / _SIDE) * np.cos(np.pi / (2 * _SIDE) * frequencies * (2 * places + 1)))
