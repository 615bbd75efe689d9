"""What examines shards: a pool of processes on this machine, or Ray. Both run `FileExaminer` and give the same rows."""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Protocol, Self

from service.archives.file_examiner import ExaminationOptions
from service.archives.row import Row
from service.archives.shard import PendingShards, Shard
from service.kit.errors import Error, tree

_ERRORS = {error.code: error for error in tree()}

Seen = Callable[[int], None]
"""Told how many more files have been examined."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A shard with a row for each of its files, in their order."""

    shard: Shard
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Stopped:
    """An error that is no file's fault, on its way from a worker."""

    code: str
    message: str
    hint: str

    @classmethod
    def by(cls, error: Error) -> Self:
        return cls(error.code, error.message, error.hint)

    def error(self) -> Error:
        """The error as it was."""
        return _ERRORS.get(self.code, Error)(self.message, hint=self.hint)


class Engine(Protocol):
    """Examines shards with several workers."""

    workers: int

    def run(self, shards: PendingShards, options: ExaminationOptions, seen: Seen) -> Generator[Finished]:
        """Every shard, in the order in which they are finished. Takes shards when workers are free, and not before.

        Close the iterator to stop all work.

        Raises:
            Error: the installation, or the source, cannot be used.
        """
