"""The message of format two: every tile carries it under phases of its own.

Whoever adds the tiles of a marked picture to each other adds the message under unknown phases, and gets nothing. The
reader knows the phases of a sequence of 16 x 16 tiles. In an image that was at most resized, the first tile is the
sequence's first; in a part of an image, every offset of the sequence is tried, and the message itself tells which is
right: some of its code symbols are the same in every word, and every symbol is carried twice.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from watermark.tile.keystream import KeyStream
from watermark.tile.pattern import TILE, Layout
from watermark.tile.spectrum import evened

PERIOD: Final = 16
"""Tiles along each side of the sequence."""
_FLATTENING: Final = 0.05
_NEIGHBOURHOOD: Final = 7
"""As in `spectrum`: the exponent and the side of the square of frequencies that flatten a spectrum. Less than there,
because the image was evened before."""


class TileTransform:
    """The Fourier transform of many tiles at the frequencies of a layout, as two matrix products."""

    def __init__(self, layout: Layout) -> None:
        high, wide = int(np.abs(layout.ky).max()), int(layout.kx.max()) + 1
        self._wide = wide
        places = np.arange(TILE)
        self._down = np.exp(-2j * np.pi / TILE * np.outer(np.arange(-high, high + 1), places)).astype(np.complex64)
        right = np.exp(-2j * np.pi / TILE * np.outer(places, np.arange(wide)))
        self._right = np.stack([right.real, right.imag], -1).reshape(TILE, 2 * wide).astype(np.float32)
        self._place = (layout.ky + high) * wide + layout.kx
        self._rows = 2 * high + 1

    def forward(self, tiles: NDArray[np.float32]) -> NDArray[np.complex64]:
        """The spectra of `tiles` (float32[n, 64, 64]) in the half plane: complex64[n, 37, 19]."""
        by_row = np.ascontiguousarray(tiles.reshape(-1, TILE) @ self._right).view(np.complex64)
        return np.asarray(self._down @ by_row.reshape(-1, TILE, self._wide), np.complex64)

    def at(self, half: NDArray[np.complex64]) -> NDArray[np.complex64]:
        """The values of `half` (complex64[n, 37, 19]) at the layout's frequencies: complex64[n, F]."""
        return half.reshape(len(half), -1)[:, self._place]

    def inverse(self, spectra: NDArray[np.complex64]) -> NDArray[np.float32]:
        """The tiles whose spectra are `spectra` (complex64[n, F]), as `Pattern.tile`: float32[n, 64, 64]."""
        half = np.zeros((len(spectra), self._rows * self._wide), np.complex64)
        half[:, self._place] = spectra
        columns = np.conj(self._down).T @ half.reshape(-1, self._rows, self._wide)
        pairs = columns.view(np.float32).reshape(-1, 2 * self._wide)
        return np.asarray((pairs @ self._right.T).reshape(-1, TILE, TILE) / (TILE * TILE), np.float32)

    def flat(self, power: NDArray[np.float32]) -> NDArray[np.float32]:
        """Factors that flatten a sum of tiles whose mean power is `power` (float32[37, 19]): float32[F]."""
        nearby = cv2.blur(power, (_NEIGHBOURHOOD, _NEIGHBOURHOOD)) + np.float32(1e-3)
        factors: NDArray[np.float32] = np.asarray(cv2.pow(nearby, -_FLATTENING), np.float32).ravel()[self._place]
        return factors


@dataclass(frozen=True, slots=True)
class Tiles:
    """The tiles of one image of canonical scale, transformed, its content's signs applied."""

    rows: int
    columns: int
    message: NDArray[np.complex64]
    """complex64[rows * columns, M]: at the message frequencies."""
    power: NDArray[np.float32]
    """float32[rows * columns, 37, 19]."""


class Positions:
    """The sequence of one epoch: a phase for every message frequency of every tile."""

    def __init__(self, layout: Layout, key: bytes) -> None:
        self.layout = layout
        self.transform = TileTransform(layout)
        count = PERIOD * PERIOD * len(layout.message)
        phases = KeyStream(key, b"positions").fractions(count).reshape(PERIOD, PERIOD, -1)
        self.phases = np.exp(2j * np.pi * phases).astype(np.complex64)
        """complex64[16, 16, M]"""
        turn = np.outer(np.arange(PERIOD), np.arange(PERIOD)) / PERIOD
        self._fourier = np.exp(-2j * np.pi * turn).astype(np.complex64)
        self._emphasis = np.sqrt(layout.taper / layout.weight)[layout.message]
        self._waves = self._transformed(self.phases) / np.float32(PERIOD * PERIOD)

    def tiles(self, image: NDArray[np.float32], signs: NDArray[np.float32]) -> Tiles:
        """The transformed tiles of `image` (float32[h, w], whitened) under `signs`; the last ones padded with zeros."""
        cut = cut_tiles(evened(image) * signs)
        half = self.transform.forward(cut.reshape(-1, TILE, TILE))
        power = np.square(half.real) + np.square(half.imag)
        return Tiles(cut.shape[0], cut.shape[1], self.transform.at(half)[:, self.layout.message], power)

    def first(self, tiles: Tiles, chosen: NDArray[np.intp] | None = None) -> NDArray[np.complex64]:
        """The sum of `tiles` (or those `chosen`), if the first is the sequence's first: complex64[M], flattened."""
        chosen = np.arange(tiles.rows * tiles.columns) if chosen is None else chosen
        phases = self.phases_from(0, 0, tiles.rows, tiles.columns)[chosen]
        total = np.einsum("tm,tm->m", tiles.message[chosen], np.conj(phases))
        return np.asarray(total * self._flat(tiles.power[chosen]), np.complex64)

    def every_offset(self, tiles: Tiles) -> NDArray[np.complex64]:
        """The sum of `tiles` for each place of the sequence that the first may have: complex64[16, 16, M]."""
        field = np.zeros((PERIOD, PERIOD, tiles.message.shape[1]), np.complex64)
        grid = tiles.message.reshape(tiles.rows, tiles.columns, -1)
        for top in range(0, tiles.rows, PERIOD):
            for left in range(0, tiles.columns, PERIOD):
                part = grid[top : top + PERIOD, left : left + PERIOD]
                field[: part.shape[0], : part.shape[1]] += part
        sums = np.conj(self._transformed(np.conj(np.conj(self._transformed(field)) * self._waves)))
        return np.asarray(np.conj(sums) * self._flat(tiles.power), np.complex64)

    def _transformed(self, field: NDArray[np.complex64]) -> NDArray[np.complex64]:
        """The Fourier transform of complex64[16, 16, M] over its first two axes."""
        half = (self._fourier @ field.reshape(PERIOD, -1)).reshape(field.shape)
        return np.asarray(self._fourier @ half, np.complex64)

    def phases_from(self, down: int, right: int, rows: int, columns: int) -> NDArray[np.complex64]:
        """The phases of `rows` x `columns` tiles, the first at (`down`, `right`) of the sequence: complex64[n, M]."""
        vertical, horizontal = (down + np.arange(rows)) % PERIOD, (right + np.arange(columns)) % PERIOD
        phases: NDArray[np.complex64] = self.phases[vertical[:, None], horizontal]
        return phases.reshape(rows * columns, -1)

    def message_field(
        self, spectrum: NDArray[np.complex64], down: int, right: int, shape: tuple[int, int]
    ) -> NDArray[np.float32]:
        """The message of `spectrum` (complex64[M]) over an image of `shape` whose first tile is at (`down`, `right`).

        Returns float32[shape], without the content's signs.
        """
        rows, columns = (-(-side // TILE) for side in shape)
        spectra = np.zeros((rows * columns, len(self.layout.ky)), np.complex64)
        spectra[:, self.layout.message] = spectrum * self.phases_from(down, right, rows, columns)
        tiles = self.transform.inverse(spectra).reshape(rows, columns, TILE, TILE)
        whole = tiles.swapaxes(1, 2).reshape(rows * TILE, columns * TILE)
        return np.ascontiguousarray(whole[: shape[0], : shape[1]])

    def _flat(self, power: NDArray[np.float32]) -> NDArray[np.float32]:
        factors = self.transform.flat(power.sum(axis=0))[self.layout.message] * self._emphasis
        return np.asarray(factors, np.float32)


def cut_tiles(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """`image` (float32[h, w]) cut into tiles, padded with zeros: float32[rows, columns, 64, 64]."""
    rows, columns = (-(-side // TILE) for side in image.shape)
    padded = np.zeros((rows * TILE, columns * TILE), np.float32)
    padded[: image.shape[0], : image.shape[1]] = image
    return np.ascontiguousarray(padded.reshape(rows, TILE, columns, TILE).swapaxes(1, 2))
