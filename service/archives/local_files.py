"""Files on this machine."""

import contextlib
import os
from collections.abc import Collection, Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from service.archives.entry import Entry, Fault
from service.kit.errors import Error, FileUnreadable, UnsupportedFormat

_SORTED = 10_000  # names that are sorted at a time: a larger folder is listed in pieces, and never held as a whole


class LocalFiles:
    """A folder or a file. `leave_out`: paths that are not listed, because they are written meanwhile."""

    def __init__(self, name: str, leave_out: Collection[Path] = ()) -> None:
        self.name = name
        self._leave_out = frozenset(os.path.realpath(path) for path in leave_out)
        self._names = frozenset(path.name for path in leave_out)

    def is_folder(self) -> bool:
        if not os.path.lexists(self.name):
            raise FileUnreadable(f"{self.name} does not exist")
        return Path(self.name).is_dir()

    def walk(self) -> Iterator[Entry]:
        """Folders are searched where they stand among the names; links to folders are not followed."""
        open_folders = [_Children(self.name, "")]
        while open_folders:
            try:
                child = next(open_folders[-1])
            except StopIteration:
                open_folders.pop()
            except OSError as denied:
                path = open_folders.pop().path
                yield Entry(path or ".", fault=_unreadable("the folder", denied))
            else:
                path = f"{open_folders[-1].prefix}{child.name}"
                if child.name in self._names and os.path.realpath(child.path) in self._leave_out:
                    continue
                if _is_folder(child):
                    open_folders.append(_Children(child.path, path))
                else:
                    yield _entry(child, path)

    @contextlib.contextmanager
    def open(self) -> Iterator[BinaryIO]:
        try:
            with Path(self.name).open("rb") as file:
                yield file
        except OSError as denied:
            raise FileUnreadable(f"{self.name} cannot be read: {denied.strerror}") from denied

    def read(self, path: str, start: int, length: int) -> bytes:
        try:
            with Path(self.name, path).open("rb") as file:
                if start:
                    file.seek(start)
                return file.read(length)
        except OSError as denied:
            raise FileUnreadable(f"the file cannot be read: {denied.strerror}") from denied


class _Children(Iterator["os.DirEntry[str]"]):
    """What is in a folder, sorted by name, 10,000 at a time. Raises OSError where it cannot be opened."""

    def __init__(self, folder: str, path: str) -> None:
        """`path`: of the folder, inside the source."""
        self.path = path
        self.prefix = f"{path}/" if path else ""
        self._found = self._children(folder)

    def __next__(self) -> "os.DirEntry[str]":
        return next(self._found)

    @staticmethod
    def _children(folder: str) -> Iterator["os.DirEntry[str]"]:
        with os.scandir(folder) as found:
            while len(batch := sorted(islice(found, _SORTED), key=lambda child: child.name)) == _SORTED:
                yield from batch
        yield from batch  # with the folder closed: of nested folders, many would be open at once


def _is_folder(child: "os.DirEntry[str]") -> bool:
    try:
        return child.is_dir(follow_symlinks=False)
    except OSError:
        return False


def _entry(child: "os.DirEntry[str]", path: str) -> Entry:
    try:
        if not child.is_file():
            return Entry(path, fault=Fault.of(_no_file(child)))
        return Entry(path, child.stat().st_size)
    except OSError as denied:
        return Entry(path, fault=_unreadable("the file", denied))


def _no_file(child: "os.DirEntry[str]") -> Error:
    if child.is_dir():
        return UnsupportedFormat("a link to a folder, which is not followed")
    if child.is_symlink() and not Path(child.path).exists():
        return FileUnreadable("a link that leads nowhere")
    return UnsupportedFormat("a pipe, a socket or a device, and no file")


def _unreadable(what: str, denied: OSError) -> Fault:
    return Fault.of(FileUnreadable(f"{what} cannot be read: {denied.strerror}"))
