"""ISO base media files: the EXIF and XMP items of AVIF and HEIF, the boxes of JPEG XL, and the XMP of MP4 and MOV.

ISO/IEC 14496-12, sections 8.11.3 (item location) and 8.11.6 (item information).
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from detectors.declared import exif, xmp
from detectors.declared.metadata import Field

_XMP_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_XMP_TYPES = (b"application/rdf+xml", b"text/xml", b"application/xml")
_MAX_BOXES, _MAX_ITEMS, _MAX_EXTENTS = 2_000, 10_000, 1_000
_MAX_ITEM = 16 << 20


@dataclass(frozen=True, slots=True)
class _Box:
    kind: bytes
    start: int
    end: int


def recognised(data: bytes) -> bool:
    return data[4:8] in (b"ftyp", b"JXL ")


def fields(data: bytes) -> Iterator[Field]:
    """The fields of a file."""
    for box in _boxes(data, 0, len(data)):
        if box.kind == b"meta":
            yield from _items(data, box)
        elif box.kind == b"Exif":
            yield from _exif(data[box.start : box.end])
        elif box.kind == b"xml ":
            yield from xmp.fields(data[box.start : box.end])
        elif box.kind == b"uuid" and data[box.start : box.start + 16] == _XMP_UUID:
            yield from xmp.fields(data[box.start + 16 : box.end])


def _boxes(data: bytes, at: int, end: int) -> Iterator[_Box]:
    for _ in range(_MAX_BOXES):
        if at + 8 > end:
            return
        size, kind = struct.unpack_from(">I4s", data, at)
        head = 8
        if size == 1 and at + 16 <= end:
            (size,), head = struct.unpack_from(">Q", data, at + 8), 16
        stop = end if size == 0 else at + size
        if size and size < head:
            return
        yield _Box(kind, at + head, min(stop, end))
        at = stop


def _items(data: bytes, meta: _Box) -> Iterator[Field]:
    inner = {box.kind: box for box in _boxes(data, meta.start + 4, meta.end)}
    if b"iinf" not in inner or b"iloc" not in inner:
        return
    idat = inner[b"idat"].start if b"idat" in inner else 0
    kinds = _kinds(data, inner[b"iinf"])
    for item, body in _bodies(data, inner[b"iloc"], idat, kinds):
        yield from _exif(body) if kinds[item] == b"Exif" else xmp.fields(body)


def _exif(body: bytes) -> Iterator[Field]:
    """An EXIF block behind the offset of its TIFF header."""
    if len(body) > 4:
        skip = int.from_bytes(body[:4], "big")
        yield from exif.fields(body[4 + skip :] if skip < len(body) else body[4:])


def _kinds(data: bytes, iinf: _Box) -> Mapping[int, bytes]:
    """The items that hold EXIF or XMP, by number."""
    kinds: dict[int, bytes] = {}
    start = iinf.start + (6 if data[iinf.start] == 0 else 8)
    for entry in _boxes(data, start, iinf.end):
        version = data[entry.start] if entry.kind == b"infe" else 0
        if version not in (2, 3):
            continue
        wide = version == 3
        (item,) = struct.unpack_from(">I" if wide else ">H", data, entry.start + 4)
        at = entry.start + (10 if wide else 8)
        kind, rest = data[at : at + 4], data[at + 4 : min(entry.end, at + 500)]
        content = rest.partition(b"\0")[2].partition(b"\0")[0].strip().lower()
        if kind == b"Exif" or (kind == b"mime" and content in _XMP_TYPES):
            kinds[item] = kind
    return kinds


def _bodies(data: bytes, iloc: _Box, idat: int, wanted: Mapping[int, bytes]) -> Iterator[tuple[int, bytes]]:
    """The bytes of each wanted item."""
    version, sizes = data[iloc.start], data[iloc.start + 4 : iloc.start + 6]
    offset_size, length_size, base_size = sizes[0] >> 4, sizes[0] & 15, sizes[1] >> 4
    index_size = sizes[1] & 15 if version else 0
    reader = _Reader(data, iloc.start + 6)
    for _ in range(min(reader.number(4 if version == 2 else 2), _MAX_ITEMS)):
        item = reader.number(4 if version == 2 else 2)
        method = reader.number(2) & 15 if version else 0
        reader.number(2)  # data reference: this file
        base, body = reader.number(base_size), bytearray()
        for _ in range(min(reader.number(2), _MAX_EXTENTS)):
            reader.number(index_size)
            start, length = base + reader.number(offset_size), reader.number(length_size)
            if item in wanted and method in (0, 1):
                start += idat if method == 1 else 0
                body += data[start : start + min(length, _MAX_ITEM - len(body))]
        if item in wanted:
            yield item, bytes(body)


@dataclass(slots=True)
class _Reader:
    data: bytes
    at: int

    def number(self, size: int) -> int:
        """A big-endian number of `size` bytes, 0 for none. Raises ValueError past the end."""
        if self.at + size > len(self.data):
            raise ValueError("the box ends early")
        self.at += size
        return int.from_bytes(self.data[self.at - size : self.at], "big")
