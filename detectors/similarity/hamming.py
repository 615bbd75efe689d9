"""Exact Hamming search over 256-bit hashes: every hash is compared, because an approximate index that misses one is a
bypass."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

HASH_BYTES = 32
_CHUNK = 1 << 15  # hashes at a time: the temporaries stay in the processor's cache


class Hashes:
    """An immutable set of hashes, numbered from 0, to search. Safe to share between threads."""

    def __init__(self, rows: NDArray[np.uint8]) -> None:
        """Copy `rows` (uint8, N x 32; N may be 0).

        Raises:
            ValueError: another dtype or shape.
        """
        if rows.dtype != np.uint8 or rows.ndim != 2 or rows.shape[1] != HASH_BYTES:
            raise ValueError(f"hashes must be uint8, N x {HASH_BYTES}, not {rows.dtype} of shape {rows.shape}")
        self._words = np.array(np.ascontiguousarray(rows).view(np.uint64).T, order="C", copy=True)

    def __len__(self) -> int:
        return len(self._words[0])

    @property
    def rows(self) -> NDArray[np.uint8]:
        """A copy of the hashes: uint8, N x 32."""
        return np.ascontiguousarray(self._words.T).view(np.uint8).reshape(-1, HASH_BYTES)

    def matches(self, query: bytes, limit: float) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """The hashes within `limit` bits of `query` (32 bytes): their numbers, ascending, and distances in bits."""
        found = list(_within(self._words, query, int(limit)))
        if not found:
            return np.empty(0, np.intp), np.empty(0, np.float64)
        rows, distances = zip(*found, strict=True)
        return np.concatenate(rows), np.concatenate(distances).astype(np.float64)


def _within(
    known: NDArray[np.uint64], wanted: bytes, limit: int
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.uint16]]]:
    """Indices and distances of the hashes within `limit` bits, a chunk at a time, in their order.

    known: uint64, 4 x N: one row for each word of the hashes, so that words are scanned one after the other.
    The first half of the words is compared first: unrelated hashes differ in 64 of those 128 bits, and a hash that
    differs there in more than `limit` bits cannot match. So the result is exact for every limit.
    """
    query = np.frombuffer(wanted, np.uint64)
    for start in range(0, known.shape[1], _CHUNK):
        part = known[:, start : start + _CHUNK]
        half = _distance(part[:2], query[:2])
        candidates = np.flatnonzero(half <= limit)
        if not candidates.size:
            continue
        whole = np.add(half[candidates], _distance(part[2:, candidates], query[2:]), dtype=np.uint16)
        near = whole <= limit
        if near.any():
            yield start + candidates[near], whole[near]


def _distance(words: NDArray[np.uint64], query: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """Differing bits of two words, 0 to 128: uint8, shape N."""
    first, second = (np.bitwise_count(words[row] ^ query[row]) for row in range(2))
    bits: NDArray[np.uint8] = np.add(first, second)
    return bits
