"""Memory that the pool and one worker share: the bytes of a file go in, pixels come out."""

import contextlib
import fcntl
import mmap
import os
import tempfile

_KEPT = 16 << 20  # bytes that stay allocated between jobs: pages that are there need not be cleared again
_SMALLEST = 1 << 20
_PIECE = 4 << 20  # bytes given back at a time, so that other threads can run in between


class SharedMemory:
    """Anonymous memory behind a file descriptor, mapped on this side. Grows, never shrinks.

    On Linux it is sealed: a worker cannot shorten it under our feet, which would end this process with SIGBUS.
    """

    def __init__(self) -> None:
        self.descriptor = _anonymous()
        self._map: mmap.mmap | None = None
        self._size = 0

    @property
    def size(self) -> int:
        return self._size

    def reserve(self, size: int) -> mmap.mmap:
        """The memory, of at least `size` bytes. Pages cost nothing until they are used."""
        if self._map is None or size > self._size:
            self._unmap()
            self._size = max(_SMALLEST, 1 << (size - 1).bit_length())
            os.ftruncate(self.descriptor, self._size)
            self._map = mmap.mmap(self.descriptor, self._size)
        return self._map

    def release(self, used: int) -> None:
        """Give back the memory of a large job that used the first `used` bytes."""
        if self._map is not None and used > _KEPT and hasattr(mmap, "MADV_REMOVE"):
            for start in range(0, self._size, _PIECE):
                self._map.madvise(mmap.MADV_REMOVE, start, min(_PIECE, self._size - start))

    def close(self) -> None:
        self._unmap()
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def _unmap(self) -> None:
        if self._map is not None:
            self._map.close()
            self._map = None


def _anonymous() -> int:
    if not hasattr(os, "memfd_create"):
        with tempfile.TemporaryFile() as file:
            return os.dup(file.fileno())
    descriptor = os.memfd_create("countermark-parser", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    with contextlib.suppress(OSError):
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL)
    return descriptor
