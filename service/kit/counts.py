"""Counts of what is in use: by this process alone, or by all workers of one server together."""

import threading
from collections import Counter
from pathlib import Path
from typing import Final, Protocol

import numpy as np

from service.kit.shared_file import SharedFile

NAMES: Final = ("connections", "orders", "examinations", "body_memory", "body_disk")
"""What is counted beside addresses; each has a slot of its own."""

_SLOTS: Final = 1 << 14


class Counts(Protocol):
    """How much is in use, by name: one of NAMES, or an address. Thread-safe."""

    def add(self, name: str, change: int) -> None:
        """Count so many more, or less, for this process."""

    def total(self, name: str) -> int:
        """How many there are, in all processes that count together."""


class LocalCounts:
    """Counts of one process."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def add(self, name: str, change: int) -> None:
        with self._lock:
            self._counts[name] += change
            if not self._counts[name]:
                del self._counts[name]

    def total(self, name: str) -> int:
        return self._counts[name]


class SharedCounts:
    """Counts of several workers, in a file that all of them map into memory.

    A worker changes its own row alone, so that no lock is needed and the row of one that died can be cleared. Two
    workers that look at the same moment may together go over a limit by what they take. Addresses share some ten
    thousand slots by a keyed hash: where two meet, the limit is stricter for both.
    """

    def __init__(self, path: Path, worker: int) -> None:
        """Open a file that `create` wrote, as the worker with this number."""
        self._file = SharedFile(path, np.int64, _SLOTS)
        self._rows = self._file.array
        self._own = self._rows[worker]
        self._lock = threading.Lock()

    @staticmethod
    def create(path: Path, workers: int) -> None:
        """Write a file of zeros for so many workers."""
        SharedFile.create(path, np.int64, workers, _SLOTS)

    def add(self, name: str, change: int) -> None:
        with self._lock:
            self._own[self._slot(name)] += change

    def total(self, name: str) -> int:
        return int(self._rows[:, self._slot(name)].sum())

    def clear(self, worker: int) -> None:
        """Forget what a worker that died had in use."""
        self._rows[worker] = 0

    def _slot(self, name: str) -> int:
        if name in NAMES:
            return NAMES.index(name)
        return len(NAMES) + self._file.hash_of(name) % (_SLOTS - len(NAMES))
