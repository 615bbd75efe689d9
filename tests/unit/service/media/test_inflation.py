import zlib

import pytest

from service.kit.errors import BrokenArchive
from service.media.inflation import inflate

DATA = b"an image " * 100


def packed(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return stream.compress(data) + stream.flush()


@pytest.mark.parametrize("data", [DATA, b""])
def test_it_unpacks_all(data: bytes) -> None:
    out = bytearray(len(data))
    assert inflate(packed(data), out=memoryview(out)) == ({}, len(data))
    assert out == data


@pytest.mark.parametrize(
    ("damaged", "size"),
    [
        (packed(DATA), len(DATA) - 1),
        (packed(DATA), len(DATA) + 1),
        (packed(DATA), 0),
        (packed(DATA)[:-3], len(DATA)),
        (b"\xff" * 20, len(DATA)),
        (b"", len(DATA)),
    ],
)
def test_what_is_damaged_or_of_another_size_is_refused(damaged: bytes, size: int) -> None:
    with pytest.raises(BrokenArchive):
        inflate(damaged, out=memoryview(bytearray(size)))
