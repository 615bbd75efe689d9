"""RIFF: WebP's EXIF and XMP chunks, and the XMP of AVI and WAV."""

import struct
from collections.abc import Iterator

from detectors.declared import exif, xmp
from detectors.declared.metadata import Field

SIGNATURE = b"RIFF"
_MAX_CHUNKS = 20_000


def fields(data: bytes) -> Iterator[Field]:
    """The fields of a file."""
    at = 12
    for _ in range(_MAX_CHUNKS):
        if at + 8 > len(data):
            return
        kind, length = struct.unpack_from("<4sI", data, at)
        if kind == b"EXIF":
            yield from exif.fields(data[at + 8 : at + 8 + length])
        elif kind in (b"XMP ", b"_PMX"):
            yield from xmp.fields(data[at + 8 : at + 8 + length])
        at += 8 + length + length % 2
