"""AVIF: ISO/IEC 14496-12 (boxes), 23008-12 (image items), AV1 Image File Format."""

from collections.abc import Iterator
from dataclasses import dataclass

from service.kit.errors import TooLarge
from service.media.headers.header import Counter, Header

_MOST_BOXES = 8_192
_DEEPEST = 12
# Boxes that hold boxes, and the bytes of their own before the first.
_HOLDERS = dict.fromkeys((b"iprp", b"ipco", b"moov", b"trak", b"mdia", b"minf", b"stbl", b"grpl"), 0)
_HOLDERS |= {b"meta": 4, b"iinf": 6}
_HIGH_BIT_DEPTH, _MONOCHROME, _SUBSAMPLED = 0x40, 0x10, 0x0C
_RESULT = 10  # bytes a pixel: RGBA of libavif, its copy, and Pillow's


@dataclass(frozen=True, slots=True)
class Box:
    """A box: its kind, and where its content begins and ends."""

    kind: bytes
    start: int
    end: int


def boxes(data: bytes, start: int, end: int, count: Counter, depth: int = 0) -> Iterator[Box]:
    """Every box between two positions, and those in it. Raises TooLarge if they are too many, or nested too deep."""
    if depth > _DEEPEST:
        raise TooLarge(f"the file has boxes nested deeper than {_DEEPEST}")
    while start + 8 <= end:
        count.add()
        size, kind, head = int.from_bytes(data[start : start + 4], "big"), data[start + 4 : start + 8], 8
        if size == 1:
            size, head = int.from_bytes(data[start + 8 : start + 16], "big"), 16
        last = end if size == 0 else min(end, start + size)
        if last < start + head:
            return
        yield Box(kind, start + head, last)
        if kind in _HOLDERS:
            yield from boxes(data, start + head + _HOLDERS[kind], last, count, depth + 1)
        start = last


def scan(data: bytes) -> Header:
    width = height = 0
    frames, planes = 1, 0.0
    for box in boxes(data, 0, len(data), Counter("boxes", _MOST_BOXES)):
        if box.kind == b"ispe":
            width, height = _larger((width, height), _two(data, box.start + 4))
        elif box.kind == b"tkhd":
            wide, high = _two(data, box.end - 8)
            width, height = _larger((width, height), (wide >> 16, high >> 16))
        elif box.kind == b"stsz":
            frames = max(frames, _two(data, box.start + 4)[1])
        elif box.kind == b"av1C" and box.start + 3 <= box.end:
            planes += _planes(data[box.start + 2])
    return Header("AVIF", width, height, _RESULT + min(planes, 8.0), frames)


def _two(data: bytes, at: int) -> tuple[int, int]:
    return int.from_bytes(data[at : at + 4], "big"), int.from_bytes(data[at + 4 : at + 8], "big")


def _larger(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    """The one with more pixels: thumbnails, tiles and alpha planes have a size, too."""
    return max(one, other, key=lambda size: size[0] * size[1])


def _planes(flags: int) -> float:
    """Bytes a pixel of decoded planes, by the third byte of an `av1C` box."""
    samples = 1.0 if flags & _MONOCHROME else 1.5 if flags & _SUBSAMPLED == _SUBSAMPLED else 3.0
    return samples * (2 if flags & _HIGH_BIT_DEPTH else 1)
