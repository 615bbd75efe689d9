"""One exact index for everything that is looked up by similarity: issued images, blocked hashes, protected faces.

The database is the truth. Memory holds a `Snapshot` of it at one revision. Snapshots are immutable, so searches need no
lock, and they share blocks, so one new row among a million copies one block.
"""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic

import numpy as np
from numpy.typing import NDArray

from detectors import Hashes, Templates
from service.ledger.similarity_blocks import Block, Changes, Ids, Layout, Query, Searchable, Vectors

NEVER = -1
"""The revision of an index that has read nothing yet."""

_BLOCK_ROWS = 1 << 14  # 0.5 MB of hashes, 8 MB of faces


@dataclass(frozen=True, slots=True)
class Neighbour:
    """The row `id` lies at `distance`: bits for hashes, Euclidean for faces."""

    id: int
    distance: float


@dataclass(frozen=True, slots=True)
class Snapshot(Generic[Query]):
    """The rows as of `revision`. Safe to share between threads."""

    revision: int
    blocks: tuple[Block[Query], ...] = ()

    def __len__(self) -> int:
        return sum(map(len, self.blocks))

    @property
    def ids(self) -> Ids:
        """The ids of the rows: int64, (N,), ascending."""
        return np.concatenate([np.empty(0, np.int64), *(block.ids for block in self.blocks)])

    def within(self, query: Query, limit: float, most: int | None = None) -> list[Neighbour]:
        """The rows at most `limit` from `query`, nearest first, ties by id (the oldest first).

        most: return only so many, 0 or more; None: all.
        """
        found = list(self._matches(query, limit))
        if not found:
            return []
        ids, distances = np.concatenate([ids for ids, _ in found]), np.concatenate([far for _, far in found])
        return [Neighbour(int(ids[i]), float(distances[i])) for i in _ranked(distances, most)]

    def _matches(self, query: Query, limit: float) -> Iterator[tuple[Ids, NDArray[np.float64]]]:
        for block in self.blocks:
            rows, distances = block.vectors.matches(query, limit)
            if rows.size:
                yield block.ids[rows], distances


class SimilarityIndex(Generic[Query]):
    """The newest snapshot, brought up to date by the first caller who needs a newer one. Safe to share between threads.

    make: prepares vectors (N x width) for search.
    block_rows: what one changed row costs to copy, at most.
    """

    def __init__(self, make: Callable[[Vectors], Searchable[Query]], block_rows: int = _BLOCK_ROWS) -> None:
        self._layout = Layout(make, block_rows)
        self._snapshot: Snapshot[Query] = Snapshot(NEVER)
        self._oldest = NEVER
        self._updating = threading.Lock()
        self._keeping = threading.Lock()  # never held while rows are read: to forget must not wait for that

    @property
    def snapshot(self) -> Snapshot[Query]:
        """The newest snapshot in memory. It never waits; its revision is `NEVER` before the first `at`."""
        return self._snapshot

    def at(self, revision: int, changes_since: Callable[[Snapshot[Query]], Changes]) -> Snapshot[Query]:
        """The snapshot of `revision`, or a newer one.

        The caller has read `revision` from the database, where it only grows. If memory is older, `changes_since` is
        called with the snapshot in memory and returns what changed after it (after revision `NEVER`: every row); it
        reads in the transaction that read `revision`. Meanwhile others wait only if they, too, need more than memory
        has. What `changes_since` raises is passed on; memory then stays as it was.
        """
        current = self._snapshot
        if current.revision >= revision:
            return current
        with self._updating:
            current = self._snapshot
            return current if current.revision >= revision else self._renewed(current, revision, changes_since)

    def forget(self, revision: int) -> None:
        """Drop every snapshot older than `revision` at once. None is kept again, even if one is being read now."""
        with self._keeping:
            self._oldest = max(self._oldest, revision)
            if self._snapshot.revision < revision:
                self._snapshot = Snapshot(NEVER)

    def _renewed(
        self, old: Snapshot[Query], revision: int, changes_since: Callable[[Snapshot[Query]], Changes]
    ) -> Snapshot[Query]:
        new = Snapshot(revision, self._layout.apply(old.blocks, changes_since(old)))
        with self._keeping:
            if revision >= self._oldest:
                self._snapshot = new
        return new


def hash_index() -> SimilarityIndex[bytes]:
    """An index of 256-bit hashes: vectors are uint8, N x 32; a query is 32 bytes; distances are bits, 0 to 256."""
    return SimilarityIndex(Hashes)


def face_index() -> SimilarityIndex[NDArray[np.float32]]:
    """An index of face embeddings: vectors are float32, N x D; a query is (D,); distances are Euclidean."""
    return SimilarityIndex(Templates)


def _ranked(distances: NDArray[np.float64], most: int | None) -> NDArray[np.intp]:
    """Positions by distance, ties as they stand; the first `most`."""
    if most is None or most >= len(distances):
        return np.argsort(distances, kind="stable")
    if most < 1:
        return np.empty(0, np.intp)
    near = np.flatnonzero(distances <= np.partition(distances, most - 1)[most - 1])
    return near[np.argsort(distances[near], kind="stable")][:most]
