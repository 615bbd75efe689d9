import io

import pytest

from service.archives.bounded_file import BoundedFile
from service.kit.errors import BrokenArchive


def test_it_gives_no_more_than_its_bound_at_once() -> None:
    file = BoundedFile(io.BytesIO(b"0123456789"), 8)
    assert file.read(8) == b"01234567"
    assert file.tell() == 8
    assert file.read() == b"89"
    assert file.seek(0) == 0
    for size in (9, -1, None):
        file.seek(0)
        with pytest.raises(BrokenArchive):
            file.read(size)
    assert file.seekable()
    assert file.readable()
