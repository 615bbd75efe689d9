"""PNG: https://www.w3.org/TR/png-3/"""

import struct

from service.media.headers.header import Counter, Header

_MOST_CHUNKS = 16_384  # libpng writes 8 KiB at a time: 4,096 chunks for the largest file
_MOST_OTHERS = 2_048  # chunks that hold no pixels, such as texts
_FIRST = 8
_CHUNK = struct.Struct(">I4s")
_SIZE = struct.Struct(">IIBB")
_PIXEL_CHUNKS = (b"IDAT", b"fdAT", b"fcTL")
_GREY, _PALETTE = 0, 3


def scan(data: bytes) -> Header:
    chunks, others = Counter("chunks", _MOST_CHUNKS), Counter("chunks without pixels", _MOST_OTHERS)
    width = height = depth = colour = 0
    frames, at = 1, _FIRST
    while at + _CHUNK.size <= len(data):
        length, kind = _CHUNK.unpack_from(data, at)
        chunks.add()
        if kind not in _PIXEL_CHUNKS:
            others.add()
        body = at + _CHUNK.size
        if kind == b"IHDR" and body + _SIZE.size <= len(data):
            width, height, depth, colour = _SIZE.unpack_from(data, body)
        elif kind == b"acTL" and body + 4 <= len(data):
            frames = max(1, int.from_bytes(data[body : body + 4], "big"))
        elif kind == b"IEND":
            break
        at = body + length + 4
    return Header("PNG", width, height, _bytes_per_pixel(depth, colour), frames)


def _bytes_per_pixel(depth: int, colour: int) -> float:
    if colour == _GREY:
        return 2 if depth > 8 else 1
    return 1 if colour == _PALETTE else 4
