"""Token buckets of all workers of one server, in a file that they map into memory."""

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import numpy as np

from service.access.buckets import Bucket
from service.kit.shared_file import SharedFile

_BUCKET: Final = np.dtype([("name", np.uint64), ("tokens", np.float64), ("since", np.float64)])
_ROWS: Final = 1 << 12
_WAYS: Final = 8
"""Each key may lie in eight places; the one that was used longest ago gives way. 32,768 buckets in all."""


class SharedBuckets:
    """As `TokenBuckets`, for several processes on one machine. Thread-safe.

    Only a hash of a key is kept, under a key of its own that is drawn for each file.
    """

    def __init__(
        self, path: Path, per_minute: float, *, most: float | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Open a file that `create` wrote. `clock`: one that all processes share, as Linux' monotonic one is."""
        self._most = float(per_minute if most is None else most)
        self._per_second = per_minute / 60
        self._clock = clock
        self._file = SharedFile(path, _BUCKET, _WAYS)

    @staticmethod
    def create(path: Path) -> None:
        """Write a file without a bucket."""
        SharedFile.create(path, _BUCKET, _ROWS, _WAYS)

    def take(self, key: str, amount: int = 1) -> float:
        """Take so many tokens and return 0, or return the seconds until there are as many."""
        if not self._per_second:
            return 0.0
        name = self._file.hash_of(key) or 1  # 0: nobody's
        with self._locked():
            now, row = self._clock(), self._file.array[name % _ROWS]
            found = np.flatnonzero(row["name"] == name)
            place = int(found[0]) if found.size else int(np.argmin(row["since"]))
            kept = Bucket(*row[place].item()[1:]) if found.size else Bucket(self._most, now)
            bucket, wait = kept.at(now, self._per_second, self._most).take(amount, self._per_second)
            row[place] = (name, bucket.tokens, bucket.since)
        return wait

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """For one thread of one process; the lock of one that dies is free again."""
        with self._file.path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
