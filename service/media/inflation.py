"""A member of a zip archive, unpacked: what runs in a worker process."""

import zlib
from typing import Any

from service.kit.errors import BrokenArchive


def inflate(data: bytes, *, out: memoryview) -> tuple[dict[str, Any], int]:
    """Unpack raw Deflate (RFC 1951) into all of `out`, whose size is what the archive's directory says.

    Raises:
        BrokenArchive: it is damaged, or of another size.
    """
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        unpacked = stream.decompress(data, len(out) + 1)  # one byte more than there should be
    except zlib.error as damaged:
        raise BrokenArchive("the file is damaged inside the archive") from damaged
    if len(unpacked) != len(out) or not stream.eof:
        raise BrokenArchive("the file has another size than the archive's directory says")
    out[:] = unpacked
    return {}, len(unpacked)
