"""What examines shards: a pool of processes on this machine, or Ray. Both run `FileExaminer` and give the same rows."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from service.archives.file_examiner import ExaminationOptions
from service.archives.row import Row
from service.archives.shard import Shard

Seen = Callable[[int], None]
"""Told how many more files have been examined."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A shard with a row for each of its files, in their order."""

    shard: Shard
    rows: tuple[Row, ...]


class Engine(Protocol):
    """Examines shards with several workers."""

    workers: int

    def run(self, shards: Iterable[Shard], options: ExaminationOptions, seen: Seen) -> Iterator[Finished]:
        """Every shard, in the order in which they are finished. Takes shards when workers are free, and not before.

        Close the iterator to stop all work.

        Raises:
            Error: the installation, or the source, cannot be used.
        """
