"""Shards: files that follow each other in the listing. A shard is examined by one worker, and becomes one part."""

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Self

from service.archives.entry import Entry


@dataclass(frozen=True, slots=True)
class Shard:
    """`number`: from 0; `first`: the number of its first file."""

    number: int
    first: int
    entries: tuple[Entry, ...]

    def after(self, rows: int) -> Self:
        """What is left of it once its first `rows` files have their rows."""
        return replace(self, first=self.first + rows, entries=self.entries[rows:])


class Listing:
    """The shards of a complete listing, by number. One is in memory at a time. It can be sent to other processes."""

    def __init__(self, path: Path, shard_size: int) -> None:
        """`path`: a file with one entry a line. It is read once, to find where each shard begins."""
        self._path = path
        self._shard_size = shard_size
        self._offsets = array("Q")
        with path.open("rb") as listing:
            at = 0
            for number, line in enumerate(listing):
                if number % shard_size == 0:
                    self._offsets.append(at)
                at += len(line)

    def __len__(self) -> int:
        return len(self._offsets)

    def shard(self, number: int) -> Shard:
        """One of its shards."""
        with self._path.open(encoding="ascii") as listing:
            listing.seek(self._offsets[number])
            lines = islice(listing, self._shard_size)
            return Shard(number, number * self._shard_size, tuple(map(Entry.of_line, lines)))


@dataclass(frozen=True, slots=True)
class PendingShards:
    """Those shards of a listing that have no part yet."""

    listing: Listing
    numbers: Sequence[int]

    def __len__(self) -> int:
        return len(self.numbers)

    def __iter__(self) -> Iterator[Shard]:
        return map(self.listing.shard, self.numbers)

    def at(self, index: int) -> Shard:
        """One of them, from 0."""
        return self.listing.shard(self.numbers[index])
