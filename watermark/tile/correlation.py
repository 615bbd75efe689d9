"""Correlation of many spectra with the template: coarsely over all shifts, or finely near a guess."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from watermark.tile.pattern import TILE, Layout

_NEAR_SHIFTS: Final[NDArray[np.float64]] = np.arange(-1.5, 1.51, 0.5)
"""Shifts tried around a guess, in samples."""


class Correlator:
    """The precomputed part of all correlations under one layout: matrices that turn spectra into correlations.

    The correlation at shift (y, x) is Re sum_k p[k] exp(2 pi i (ky y + kx x) / 64) for the products p of a spectrum
    and the template. Summed first over ky and then over kx, this is two matrix products, which is faster than a
    Fourier transform of the size of the tile, because only a quarter of its frequencies are used.
    """

    def __init__(self, layout: Layout, shifts: int) -> None:
        """Try `shifts` positions, evenly spaced, along each side of the tile. 64 is every sample; with 32 the
        template's highest frequency may be 84 degrees out of phase along either side, losing half of the height."""
        self._shifts, self._step = shifts, TILE / shifts
        self._ky, self._kx = layout.ky[layout.sync], layout.kx[layout.sync]
        self._high, self._wide = int(np.abs(self._ky).max()), int(self._kx.max()) + 1
        self._place = (self._ky + self._high) * self._wide + self._kx
        places = np.arange(shifts, dtype=np.float64) * self._step
        self._down = _waves(places, np.arange(-self._high, self._high + 1))
        right = _waves(places, np.arange(self._wide))
        self._right = np.stack([right.real, -right.imag], axis=-1).reshape(shifts, -1).T.astype(np.float32)
        near_down, near_right = (_waves(_NEAR_SHIFTS, k) for k in (self._ky, self._kx))
        self._near_shifts = np.stack(np.meshgrid(_NEAR_SHIFTS, _NEAR_SHIFTS, indexing="ij"), -1).reshape(-1, 2)
        near = (near_down[:, None] * near_right[None]).reshape(-1, len(self._ky))
        self._near = np.stack([near.real, -near.imag], axis=-1).reshape(len(near), -1).T.astype(np.float32)

    def max_height(self, products: NDArray[np.complex64]) -> NDArray[np.float32]:
        """The largest correlation over all shifts: `products` complex64[B, S] to float32[B]."""
        return np.asarray(self._surface(products).max(axis=0).max(axis=1), dtype=np.float32)

    def peak(self, products: NDArray[np.complex64]) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """The largest correlation and its shift in samples (down, right): float32[B] and float64[B, 2]."""
        surface = np.moveaxis(self._surface(products), 1, 0).reshape(len(products), -1)
        best = surface.argmax(axis=1)
        shift = np.stack(np.divmod(best, self._shifts), axis=1) * self._step
        return surface[np.arange(len(best)), best], shift

    def nearby(self, products: NDArray[np.complex64]) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """The largest correlation within 1.5 samples of zero shift, and its shift: float32[B] and float64[B, 2]."""
        heights = _as_reals(products) @ self._near
        best = heights.argmax(axis=1)
        return heights[np.arange(len(best)), best], self._near_shifts[best]

    def shifted(self, products: NDArray[np.complex64], shift: NDArray[np.float64]) -> NDArray[np.complex64]:
        """`products` (complex64[B, S]) translated so that `shift` (float64[B, 2]) becomes zero."""
        turn = shift[:, :1] * self._ky + shift[:, 1:] * self._kx
        return np.asarray(products * np.exp(2j * np.pi / TILE * turn).astype(np.complex64), dtype=np.complex64)

    def _surface(self, products: NDArray[np.complex64]) -> NDArray[np.float32]:
        """Correlations at all shifts: float32[down, B, right]."""
        count = len(products)
        half = np.zeros((count, (2 * self._high + 1) * self._wide), np.complex64)
        half[:, self._place] = products
        by_row = np.moveaxis(half.reshape(count, -1, self._wide), 1, 0).reshape(2 * self._high + 1, -1)
        summed = _as_reals((self._down @ by_row).reshape(-1, self._wide))
        return (summed @ self._right).reshape(self._shifts, count, self._shifts)


def _waves(shifts: NDArray[np.float64], frequencies: NDArray[np.intp]) -> NDArray[np.complex64]:
    """exp(2 pi i k s / 64) for every shift s and frequency k: complex64[shifts, frequencies]."""
    return np.asarray(np.exp(2j * np.pi / TILE * np.outer(shifts, frequencies)), dtype=np.complex64)


def _as_reals(values: NDArray[np.complex64]) -> NDArray[np.float32]:
    """complex64[B, n] as float32[B, 2 n], real and imaginary parts interleaved."""
    return np.ascontiguousarray(values, np.complex64).view(np.float32)
