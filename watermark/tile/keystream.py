"""Keyed pseudo-random numbers, stable across platforms and numpy versions."""

import hashlib

import numpy as np
from numpy.typing import NDArray


class KeyStream:
    """SHAKE-256 of a key and a label, read as 64-bit words."""

    def __init__(self, key: bytes, label: bytes) -> None:
        self._hash = hashlib.shake_256(key + label)

    def words(self, count: int) -> NDArray[np.uint64]:
        """uint64[count], uniform."""
        return np.frombuffer(self._hash.digest(8 * count), "<u8").astype(np.uint64)

    def fractions(self, count: int) -> NDArray[np.float64]:
        """float64[count] in [0, 1)."""
        return np.asarray((self.words(count) >> np.uint64(11)) * 2.0**-53, dtype=np.float64)

    def signs(self, count: int) -> NDArray[np.float32]:
        """float32[count] of +1 and -1."""
        return (1.0 - 2.0 * (self.words(count) & np.uint64(1))).astype(np.float32)

    def order(self, count: int) -> NDArray[np.intp]:
        """A permutation of 0 ... count - 1, intp[count]."""
        return np.argsort(self.words(count), kind="stable")
