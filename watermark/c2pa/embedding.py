"""Where a manifest store lies in a file, and how its bytes are exchanged for others of the same length.

PNG keeps it in one chunk with a checksum (`caBX`), JPEG in segments of at most 64 kB (`APP11`, JPEG XT), WebP, TIFF
and AVIF in one piece. Content Credentials exclude this range from the file's hash, so nothing else changes.
"""

import zlib
from collections.abc import Iterator

_PNG, _JPEG = "image/png", "image/jpeg"
_CHUNK_TYPE, _CHECKSUM = 4, 4
_APP11, _SCAN = 0xEB, 0xDA
_SEGMENT_HEADER = 8  # identifier (2), box instance (2), sequence number (4)
_BOX_HEADER = 8
_BEGINNING = 256  # bytes of a store that tell it from others, and are found faster than the whole


def replace_store(data: bytes, mime: str, old: bytes, new: bytes) -> bytes:
    """The file with the store `new` in the place of `old`, which is of the same length.

    Raises ValueError if `old` is not in the file exactly once.
    """
    if len(old) != len(new):
        raise ValueError("a manifest store can only be exchanged for one of the same length")
    if mime == _JPEG:
        return _in_segments(data, old, new)
    beginning = old[:_BEGINNING]
    at = data.find(beginning)
    if at < 0 or not data.startswith(old, at) or data.find(beginning, at + 1) >= 0:
        raise ValueError("the manifest store is not in the file exactly once")
    end = at + len(old)
    if mime != _PNG:
        return b"".join((data[:at], new, data[end:]))
    checksum = zlib.crc32(new, zlib.crc32(data[at - _CHUNK_TYPE : at]))
    return b"".join((data[:at], new, checksum.to_bytes(_CHECKSUM, "big"), data[end + _CHECKSUM :]))


def _in_segments(data: bytes, old: bytes, new: bytes) -> bytes:
    """Each segment after the first repeats the header of the box that it continues; that is not part of the store."""
    out, done = bytearray(data), 0
    for start, end in _segments(data):
        body = start if done == 0 else start + _BOX_HEADER
        length = end - body
        if data[body:end] != old[done : done + length]:
            raise ValueError("the manifest store is not in the file as it was written")
        out[body:end] = new[done : done + length]
        done += length
    if done != len(old):
        raise ValueError("the manifest store is not in the file completely")
    return bytes(out)


def _segments(data: bytes) -> Iterator[tuple[int, int]]:
    """Start and end of what each APP11 segment of a JPEG holds of its box, up to the first scan."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != _SCAN:
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if data[at + 1] == _APP11:
            yield at + 4 + _SEGMENT_HEADER, end
        at = end
