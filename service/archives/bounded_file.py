"""An archive's file, of which no more is read at once than its own records can need."""

import io
from typing import BinaryIO

from service.kit.errors import BrokenArchive


class BoundedFile(io.RawIOBase):
    """A file that refuses to give more than `most` bytes at once. `zipfile` and `tarfile` read each record whole,
    however long the archive says that it is."""

    def __init__(self, file: BinaryIO, most: int) -> None:
        self._file = file
        self._most = most

    def read(self, size: int | None = -1) -> bytes:
        """Raises BrokenArchive for more than `most` bytes."""
        if size is None or size < 0:
            data = self._file.read(self._most + 1)
            if len(data) > self._most:
                raise self._too_much()
            return data
        if size > self._most:
            raise self._too_much()
        return self._file.read(size)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def _too_much(self) -> BrokenArchive:
        return BrokenArchive(f"a record of the archive is larger than {self._most >> 10:,} KiB")
