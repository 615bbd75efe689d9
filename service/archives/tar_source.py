"""Tar archives that are not compressed. Members are listed by their headers, and each is read where it lies."""

import os
import tarfile
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import BinaryIO

from service.archives.bounded_file import BoundedFile
from service.archives.entry import Entry, Fault, Packed
from service.archives.packing_limits import too_many_members
from service.archives.source import Files
from service.kit.errors import BrokenArchive, FileUnreadable, UnsupportedFormat
from service.media.isolation.parsers import Parsers

_RECORD = 1 << 20  # the longest extended header that is read
_DAMAGED = (tarfile.TarError, BrokenArchive, ValueError, EOFError, IndexError, KeyError)


class TarSource:
    """The members of a tar archive that are files, in their order."""

    def __init__(self, files: Files, max_members: int) -> None:
        self._files = files
        self._max_members = max_members

    def entries(self) -> Iterator[Entry]:
        """What can be read of a damaged archive is listed, and then the archive itself, as a fault."""
        count = 0
        with self._files.open() as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(0)
            try:
                for count, member in enumerate(_members(file), 1):
                    if count > self._max_members:
                        raise too_many_members(self._max_members)
                    if not member.isdir():
                        yield _entry(member, size)
            except _DAMAGED as damaged:
                if not count:
                    raise BrokenArchive(f"{self._files.name} is a damaged tar archive") from damaged
                broken = BrokenArchive(f"the archive is damaged after {count:,} members")
                yield Entry(PurePosixPath(self._files.name).name, fault=Fault.of(broken))

    def read(self, entry: Entry, limit: int, parsers: Parsers, seconds: float | None) -> bytes:
        if entry.packed is None:
            raise FileUnreadable("the listing does not say where the file is")
        return self._files.read("", entry.packed.start, min(entry.packed.length, limit + 1))


def _members(file: BinaryIO) -> Iterator[tarfile.TarInfo]:
    """Every member. Raises one of `_DAMAGED` where the archive does not go on as it should."""
    bounded = BoundedFile(file, _RECORD)
    with tarfile.open(fileobj=bounded, mode="r:") as archive:
        seen: list[tarfile.TarInfo] = vars(archive)["members"]
        while (member := archive.next()) is not None:
            seen.clear()  # tarfile would keep every member in memory
            yield member
        end = archive.offset
    file.seek(end)
    if file.read(tarfile.BLOCKSIZE).strip(b"\0"):  # tarfile takes any block that is no header for the end
        raise tarfile.ReadError("there is something else where a header should be")


def _entry(member: tarfile.TarInfo, size: int) -> Entry:
    fault = None
    if not member.isreg():
        fault = Fault.of(UnsupportedFormat("a link, a pipe or a device in the archive, and no file"))
    elif member.issparse():
        fault = Fault.of(UnsupportedFormat("the file is stored with holes in the archive"))
    elif member.offset_data + member.size > size:
        fault = Fault.of(BrokenArchive("the archive ends before the file does"))
    return Entry(member.name, member.size, Packed(member.offset_data, member.size), fault)
