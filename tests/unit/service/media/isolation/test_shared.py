import mmap
import os
import sys

import pytest

from service.media.isolation.shared import SharedMemory

MiB = 1 << 20


def test_it_grows_and_both_sides_see_the_same() -> None:
    memory = SharedMemory()
    memory.reserve(10)[:5] = b"hello"
    assert memory.size == MiB
    view = memory.reserve(3 * MiB)
    assert memory.size == 4 * MiB
    with mmap.mmap(memory.descriptor, memory.size) as other:
        assert other[:5] == b"hello"
        other[:5] = b"world"
    assert view[:5] == b"world"
    memory.close()
    memory.close()


@pytest.mark.skipif(sys.platform != "linux", reason="memory can be sealed on Linux only")
def test_nobody_can_shorten_it_and_large_jobs_leave_nothing() -> None:
    memory = SharedMemory()
    view = memory.reserve(32 * MiB)
    view[: 20 * MiB] = b"x" * (20 * MiB)
    with pytest.raises(PermissionError):
        os.ftruncate(memory.descriptor, 0)
    memory.release(10 * MiB)
    assert os.fstat(memory.descriptor).st_blocks * 512 >= 20 * MiB
    memory.release(20 * MiB)
    assert os.fstat(memory.descriptor).st_blocks == 0
    assert view[:1] == b"\0"
    memory.close()
