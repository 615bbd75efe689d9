"""WebP: RFC 9649."""

import struct

from service.media.headers.header import Counter, Header

_MOST_CHUNKS = 16_384
_FIRST = 12
_CHUNK = struct.Struct("<4sI")
_MASK = 0x3FFF
_KEY_FRAME = b"\x9d\x01\x2a"
_LOSSLESS = 0x2F
_BYTES_PER_PIXEL = 16  # Pillow decodes every WebP as an animation: three canvases, their copy and its own


def scan(data: bytes) -> Header:
    chunks = Counter("chunks", _MOST_CHUNKS)
    width = height = frames = 0
    at = _FIRST
    while at + _CHUNK.size <= len(data):
        kind, length = _CHUNK.unpack_from(data, at)
        chunks.add()
        body = at + _CHUNK.size
        w, h = _size(kind, data[body : body + 10])
        width, height = max(width, w), max(height, h)
        frames += kind == b"ANMF"
        at = body + length + (length & 1)
    return Header("WEBP", width, height, _BYTES_PER_PIXEL, max(1, frames))


def _size(kind: bytes, body: bytes) -> tuple[int, int]:
    if len(body) < 10:
        body = body.ljust(10, b"\0")
    if kind == b"VP8X":
        return 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
    if kind == b"VP8 " and body[3:6] == _KEY_FRAME:
        return int.from_bytes(body[6:8], "little") & _MASK, int.from_bytes(body[8:10], "little") & _MASK
    if kind == b"VP8L" and body[0] == _LOSSLESS:
        bits = int.from_bytes(body[1:5], "little")
        return 1 + (bits & _MASK), 1 + (bits >> 14 & _MASK)
    return 0, 0
