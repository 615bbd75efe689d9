"""The parser of archives, which runs in a worker process; see `archives.py`.

This module imports neither settings nor models, as `decoding.py` does not.
"""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import IO, Any

from service.kit.errors import BrokenArchive, InputError, TooLarge

LONGEST_NAME = 255
HINT = "Send a ZIP or TAR archive without a password, or the files as a form."
_LARGEST_RATIO = 200  # of what is unpacked to the archive; images hardly shrink
_RATIO_FROM = 1 << 20
_BLOCK = 1 << 16
# A password is a RuntimeError, a compression that is not known a NotImplementedError.
_DAMAGED = (
    tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError, RuntimeError,
    NotImplementedError,
)  # fmt: skip
_BY_NAME = (bz2, gzip)  # tarfile imports them only when it meets such a file, and a worker can import nothing then


def read(data: bytes, *, out: memoryview, most_files: int, most_bytes: int) -> tuple[dict[str, Any], int]:
    """The parser: writes the files into `out`, one after the other, and returns their names and sizes."""
    unpacking = _Unpacking(len(data), out, most_files, most_bytes)
    try:
        members = _zip_members if data[:2] == b"PK" else _tar_members
        for name, opened in members(data):
            unpacking.add(name, opened)
    except InputError:
        raise
    except _DAMAGED as damaged:
        raise BrokenArchive("the archive is damaged, has a password, or is of another kind", hint=HINT) from damaged
    if not unpacking.files:
        raise BrokenArchive("the archive has no files in it", hint=HINT)
    return {"files": unpacking.files}, unpacking.used


class _Unpacking:
    """What was unpacked so far, within the limits."""

    def __init__(self, packed: int, out: memoryview, most_files: int, most_bytes: int) -> None:
        self.files: list[tuple[str, int]] = []
        self.used = 0
        self._packed = packed
        self._out = out
        self._most_files = most_files
        self._most_bytes = most_bytes

    def add(self, name: str, opened: Callable[[], IO[bytes]]) -> None:
        if len(self.files) == self._most_files:
            raise TooLarge(f"the archive has more than {self._most_files:,} files", hint="Send several archives.")
        start = self.used
        with opened() as file:
            while block := file.read(_BLOCK):
                self._write(block, start)
        label = name.encode("utf-8", "replace").decode()[-LONGEST_NAME:]
        self.files.append((label, self.used - start))

    def _write(self, block: bytes, start: int) -> None:
        end = self.used + len(block)
        if end - start > self._most_bytes:
            raise TooLarge(f"a file in the archive has more than {self._most_bytes:,} bytes")
        if end > len(self._out):
            raise TooLarge(f"the files in the archive have more than {len(self._out):,} bytes together")
        if end > max(_RATIO_FROM, _LARGEST_RATIO * self._packed):
            raise TooLarge("the archive unpacks to far more than it has", hint="Send the files themselves.")
        self._out[self.used : end] = block
        self.used = end


Member = tuple[str, Callable[[], IO[bytes]]]


def _zip_members(data: bytes) -> Iterator[Member]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for info in archive.infolist():
            if not info.is_dir():
                yield info.filename, lambda info=info: archive.open(info)  # type: ignore[misc]


def _tar_members(data: bytes) -> Iterator[Member]:
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:*") as archive:
        for info in archive:
            if info.isreg() and (file := archive.extractfile(info)) is not None:
                yield info.name, lambda file=file: file  # type: ignore[misc]
