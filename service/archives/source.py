"""What an archive offers: a list of its files, and the bytes of each."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import BinaryIO, Protocol

from service.archives.entry import Entry
from service.media.isolation.parsers import Parsers


class Files(Protocol):
    """One place where files are: on this machine, or in an object store. `name` is how the operator called it.

    Every method raises FileUnreadable for what is not there or not allowed, and Unavailable where the place itself does
    not answer.
    """

    name: str

    def is_folder(self) -> bool:
        """Whether the place is a folder (or a bucket, a prefix), and not one file."""

    def walk(self) -> Iterator[Entry]:
        """Every file below the folder. Holds one folder's names in memory at most; what cannot be read is a fault."""

    def open(self) -> AbstractContextManager[BinaryIO]:
        """The one file, to be read at any place of it."""

    def read(self, path: str, start: int, length: int) -> bytes:
        """At most `length` bytes of a file below the folder, from `start`; of the one file, if `path` is empty."""


class Source(Protocol):
    """A list of files, and the bytes of each."""

    def entries(self) -> Iterator[Entry]:
        """Every file, always in the same order as long as nothing changes.

        Raises:
            BrokenArchive, FileUnreadable, TooLarge, Unavailable: nothing can be listed.
        """

    def read(self, entry: Entry, limit: int, parsers: Parsers, seconds: float | None) -> bytes:
        """The bytes of a file without a fault; of one that is larger than `limit`, one byte more than that.

        Raises:
            InputError: what is wrong with it.
            Unavailable: the place does not answer.
        """


class Folder:
    """A folder: each file is read by itself."""

    def __init__(self, files: Files) -> None:
        self._files = files

    def entries(self) -> Iterator[Entry]:
        return self._files.walk()

    def read(self, entry: Entry, limit: int, parsers: Parsers, seconds: float | None) -> bytes:
        if entry.size == 0:  # S3 has no range of an empty object
            return b""
        return self._files.read(entry.path, 0, limit + 1)
