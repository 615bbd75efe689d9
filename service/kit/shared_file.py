"""A file of numbers that several processes map into memory. What they look up by name is found by a keyed hash, so that
nobody outside can choose names that meet."""

import hashlib
import secrets
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import DTypeLike, NDArray

_KEY_BYTES: Final = 32


class SharedFile:
    """An array in a file, and the key of its names. What is written to the array is seen by every process at once."""

    def __init__(self, path: Path, dtype: DTypeLike, width: int) -> None:
        """Map a file that `create` wrote. `array`: rows of `width` items of `dtype`."""
        self._key = path.read_bytes()[:_KEY_BYTES]
        self.path = path
        self.array: NDArray[Any] = np.memmap(path, dtype, "r+", _KEY_BYTES).reshape(-1, width)

    @staticmethod
    def create(path: Path, dtype: DTypeLike, rows: int, width: int) -> None:
        """Write zeros, with a key of their own."""
        path.write_bytes(secrets.token_bytes(_KEY_BYTES) + bytes(rows * width * np.dtype(dtype).itemsize))

    def hash_of(self, name: str) -> int:
        """64 bits, the same in every process that maps this file."""
        return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8, key=self._key).digest(), "big")
