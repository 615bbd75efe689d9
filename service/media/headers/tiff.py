"""TIFF: revision 6.0, and BigTIFF."""

import struct
from dataclasses import dataclass
from typing import Literal

from service.kit.errors import TooLarge
from service.media.headers.header import Counter, Header

_MOST_DIRECTORIES = 4_096
_MOST_TAGS = 1_024  # of the first directory, which Pillow reads as a whole
_MOST_VALUES = 300_000  # of one tag; each becomes an object
_WIDTH, _HEIGHT, _BITS, _COMPRESSION = 256, 257, 258, 259
_SAMPLES, _ROWS, _TILE_WIDTH, _TILE_HEIGHT = 277, 278, 322, 323
_FORMATS = {1: "B", 3: "H", 4: "I", 16: "Q"}
_BYTES = frozenset({1, 2, 6, 7})  # types whose values stay together
_PLAIN = 1
_MOST_SAMPLES, _MOST_BITS = 8, 64


@dataclass(frozen=True, slots=True)
class _Layout:
    """How numbers are written: byte order, and sizes of counts and offsets."""

    order: Literal["<", ">"]
    big: bool

    @property
    def entries(self) -> struct.Struct:
        return struct.Struct(self.order + ("Q" if self.big else "H"))

    @property
    def entry(self) -> struct.Struct:
        """Tag, type and number of values; the value or its offset follows."""
        return struct.Struct(self.order + ("HHQ" if self.big else "HHI"))

    @property
    def offset(self) -> struct.Struct:
        return struct.Struct(self.order + ("Q" if self.big else "I"))


def scan(data: bytes) -> Header:
    layout = _Layout("<" if data[:1] == b"I" else ">", b"+" in data[:4])
    at = _number(layout.offset, data, 8 if layout.big else 4)
    tags = _first_directory(data, at, layout)
    width, height = tags.get(_WIDTH, 0), tags.get(_HEIGHT, 0)
    samples, bits = min(tags.get(_SAMPLES, 1), _MOST_SAMPLES), min(tags.get(_BITS, 1), _MOST_BITS)
    raw = samples * bits / 8
    tile = tags.get(_TILE_WIDTH, 0) * tags.get(_TILE_HEIGHT, 0)
    rows = min(height, tags.get(_ROWS, height))
    buffered = 0 if tags.get(_COMPRESSION, _PLAIN) == _PLAIN else max(tile, rows * width)
    return Header("TIFF", width, height, 4 + raw, _directories(data, at, layout), int(buffered * max(raw, 4)))


def _first_directory(data: bytes, at: int, layout: _Layout) -> dict[int, int]:
    """The first value of each numeric tag."""
    count, tags = Counter("tags", _MOST_TAGS), dict[int, int]()
    step = layout.entry.size + layout.offset.size
    start = at + layout.entries.size
    for place in range(start, start + step * _number(layout.entries, data, at), step):
        if place + step > len(data):
            break
        count.add()
        tag, kind, values = layout.entry.unpack_from(data, place)
        if values > _MOST_VALUES and kind not in _BYTES:
            raise TooLarge(f"the TIFF has a tag with more than {_MOST_VALUES:,} values")
        if kind in _FORMATS:
            number = struct.Struct(layout.order + _FORMATS[kind])
            inline = place + layout.entry.size
            fits = values * number.size <= layout.offset.size
            tags.setdefault(tag, _number(number, data, inline if fits else _number(layout.offset, data, inline)))
    return tags


def _directories(data: bytes, at: int, layout: _Layout) -> int:
    """How many directories the chain has. One that loops ends where it began to."""
    count, seen = Counter("pages", _MOST_DIRECTORIES), set[int]()
    step = layout.entry.size + layout.offset.size
    while at and at not in seen and at + layout.entries.size <= len(data):
        count.add()
        seen.add(at)
        at = _number(layout.offset, data, at + layout.entries.size + step * _number(layout.entries, data, at))
    return max(1, count.count)


def _number(form: struct.Struct, data: bytes, at: int) -> int:
    """A number of the file; 0 beyond its end."""
    return int(form.unpack_from(data, at)[0]) if 0 <= at <= len(data) - form.size else 0
