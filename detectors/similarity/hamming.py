"""Exact search for near hashes: every listed hash is compared, because an approximate index that misses is a bypass."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_WORDS = 4  # uint64 of a 256-bit hash
_CHUNK = 1 << 15  # hashes at a time: the temporaries stay in the processor's cache


def pack(hashes: Sequence[bytes]) -> NDArray[np.uint64]:
    """256-bit hashes (32 bytes each) as an array of shape 4 x N: one row for each word, so that words are scanned."""
    words = np.frombuffer(b"".join(hashes), np.uint64).reshape(len(hashes), _WORDS)
    return np.ascontiguousarray(words.T)


def nearest(known: NDArray[np.uint64], wanted: bytes, limit: int) -> tuple[int, int] | None:
    """Index and distance of the nearest packed hash within `limit` bits of `wanted` (32 bytes); the first of equals.

    Half of the words are compared first: unrelated hashes differ in 64 of those 128 bits, and whatever differs there
    in more than `limit` bits need not be compared further. So the result is exact for every limit.
    """
    query = np.frombuffer(wanted, np.uint64)
    best: tuple[int, int] | None = None
    for start in range(0, known.shape[1], _CHUNK):
        part = known[:, start : start + _CHUNK]
        half = _distance(part[:2], query[:2])
        candidates = np.flatnonzero(half <= limit)
        if not candidates.size:
            continue
        whole = half[candidates] + _distance(part[2:, candidates], query[2:])
        closest = int(whole.argmin())
        if whole[closest] <= (limit if best is None else best[1] - 1):
            best = (start + int(candidates[closest]), int(whole[closest]))
    return best


def _distance(words: NDArray[np.uint64], query: NDArray[np.uint64]) -> NDArray[np.uint16]:
    """Differing bits of two words: uint16, shape N."""
    first, second = (np.bitwise_count(words[row] ^ query[row]) for row in range(2))
    bits: NDArray[np.uint16] = np.add(first, second, dtype=np.uint16)
    return bits
