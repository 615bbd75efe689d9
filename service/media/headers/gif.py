"""GIF: https://www.w3.org/Graphics/GIF/spec-gif89a.txt"""

import struct

from service.media.headers.header import Counter, Header

_MOST_BLOCKS = 400_000  # 32 MiB of full blocks are 131,072
_MOST_FRAMES = 10_000
_SCREEN = struct.Struct("<HHB")
_IMAGE = struct.Struct("<HHHHB")
_EXTENSION, _FRAME = 0x21, 0x2C
_BYTES_PER_PIXEL = 10  # indices, and the frame as RGBA while it is put on the screen


def scan(data: bytes) -> Header:
    if len(data) < 13:
        return Header("GIF", 0, 0, _BYTES_PER_PIXEL)
    blocks, frames = Counter("blocks", _MOST_BLOCKS), Counter("frames", _MOST_FRAMES)
    width, height, flags = _SCREEN.unpack_from(data, 6)
    at = 13 + _palette(flags)
    while at < len(data):
        if data[at] == _EXTENSION:
            at = _after_blocks(data, at + 2, blocks)
        elif data[at] == _FRAME and at + 10 <= len(data):
            frames.add()
            left, top, w, h, flags = _IMAGE.unpack_from(data, at + 1)
            if frames.count == 1:
                width, height = max(width, left + w), max(height, top + h)
            at = _after_blocks(data, at + 11 + _palette(flags), blocks)
        else:
            break
    return Header("GIF", width, height, _BYTES_PER_PIXEL, max(1, frames.count))


def _palette(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _after_blocks(data: bytes, at: int, blocks: Counter) -> int:
    while at < len(data) and data[at]:
        blocks.add()
        at += 1 + data[at]
    return at + 1
