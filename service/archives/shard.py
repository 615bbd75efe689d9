"""A shard: files that follow each other in the listing. It is examined by one worker, and becomes one part."""

from dataclasses import dataclass, replace
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
