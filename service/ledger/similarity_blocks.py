"""Rows by id in immutable blocks: a change copies the blocks it touches and shares all others."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

Query = TypeVar("Query")
Query_contra = TypeVar("Query_contra", contravariant=True)

Ids = NDArray[np.int64]
Vectors = NDArray[Any]


class Searchable(Protocol[Query_contra]):
    """An immutable set of vectors, numbered from 0, with its exact search."""

    def __len__(self) -> int: ...

    @property
    def rows(self) -> Vectors:
        """The vectors: N x width."""

    def matches(self, query: Query_contra, limit: float, /) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """The numbers, ascending, and distances of all vectors at most `limit` from `query`."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What happened to the rows between two revisions of the database.

    ids: int64, (N,), unique, any order: rows that are new, are back, or have another vector.
    vectors: N x width: their vectors.
    removed: int64, (M,): rows that must no longer be found. Ids that are unknown or also in `ids` are ignored.
    """

    ids: Ids
    vectors: Vectors
    removed: Ids = field(default_factory=lambda: np.empty(0, np.int64))

    def __post_init__(self) -> None:
        if self.ids.dtype != np.int64 or self.ids.shape != self.vectors.shape[:1]:
            raise ValueError(f"{len(self.vectors)} vectors need as many int64 ids, not {self.ids.shape}")
        if (np.diff(self.ids) <= 0).any() and len(np.unique(self.ids)) < len(self.ids):
            raise ValueError("a row has two vectors")


@dataclass(frozen=True, slots=True)
class Block(Generic[Query]):
    """At least one row: ids (int64, ascending) and their vectors."""

    ids: Ids
    vectors: Searchable[Query]

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class Layout(Generic[Query]):
    """How rows are laid out: `make` prepares vectors (N x width) for search, at most `block_rows` in a block."""

    make: Callable[[Vectors], Searchable[Query]]
    block_rows: int

    def apply(self, blocks: Sequence[Block[Query]], changes: Changes) -> tuple[Block[Query], ...]:
        """The blocks after `changes`. Ids ascend through all of them; two neighbours never fit into one."""
        if not blocks:
            return tuple(self._cut(*_by_id(changes.ids, changes.vectors)))
        return tuple(self._joined(self._changed(blocks, changes)))

    def _changed(self, blocks: Sequence[Block[Query]], changes: Changes) -> Iterator[Block[Query]]:
        starts = np.array([block.ids[0] for block in blocks[1:]], np.int64)
        ids, vectors = _by_id(changes.ids, changes.vectors)
        gone = np.union1d(ids, changes.removed)
        added_here, gone_here = (_shares(starts, sorted_ids) for sorted_ids in (ids, gone))
        for block, added, removed in zip(blocks, added_here, gone_here, strict=True):
            kept = np.isin(block.ids, gone[removed], invert=True)
            if added.start == added.stop and kept.all():
                yield block
                continue
            merged = np.concatenate([block.vectors.rows[kept], vectors[added]])
            yield from self._cut(*_by_id(np.concatenate([block.ids[kept], ids[added]]), merged))

    def _cut(self, ids: Ids, vectors: Vectors) -> Iterator[Block[Query]]:
        for start in range(0, len(ids), self.block_rows):
            part = slice(start, start + self.block_rows)
            yield Block(ids[part].copy(), self.make(vectors[part]))

    def _joined(self, blocks: Iterator[Block[Query]]) -> Iterator[Block[Query]]:
        """Neighbours that fit into one block become one, so that removals leave no trail of small blocks."""
        last: Block[Query] | None = None
        for block in blocks:
            if last is None:
                last = block
            elif len(last) + len(block) <= self.block_rows:
                vectors = np.concatenate([last.vectors.rows, block.vectors.rows])
                last = Block(np.concatenate([last.ids, block.ids]), self.make(vectors))
            else:
                yield last
                last = block
        if last is not None:
            yield last


def _by_id(ids: Ids, vectors: Vectors) -> tuple[Ids, Vectors]:
    if (np.diff(ids) > 0).all():  # nearly always: new rows have the highest ids
        return ids, vectors
    order = np.argsort(ids)
    return ids[order], vectors[order]


def _shares(starts: Ids, ids: Ids) -> Iterator[slice]:
    """For each block the slice of `ids` (ascending) that belongs to it: up to the first id of the next block."""
    ends = [0, *np.searchsorted(ids, starts).tolist(), len(ids)]
    return (slice(start, stop) for start, stop in itertools.pairwise(ends))
