"""EXIF and TIFF directories: the tags that can declare something, of either byte order, as text.

The layout is TIFF 6.0's, or BigTIFF's; the tags are those of Exif 3.0 (CIPA DC-008). The first directory and the Exif
directory are read; no other, so nothing can loop.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from detectors.declared import iim, xmp
from detectors.declared.metadata import MAX_VALUE, Field, text_of

_TAGS: Mapping[int, str] = {
    0x000B: "ProcessingSoftware",
    0x010E: "ImageDescription",
    0x010F: "Make",
    0x0110: "Model",
    0x0131: "Software",
    0x013B: "Artist",
    0x013C: "HostComputer",
    0x9286: "UserComment",
    0x9C9B: "XPTitle",
    0x9C9C: "XPComment",
}
_XMP, _IIM, _PHOTOSHOP, _EXIF_DIRECTORY = 0x02BC, 0x83BB, 0x8649, 0x8769
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 5: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8, 129: 1}
_MAX_ENTRIES = 1_000
_HEADER_BYTES = 16
_HEADERS: Mapping[bytes, tuple[str, bool]] = {
    b"II*\0": ("<", False),
    b"MM\0*": (">", False),
    b"II+\0": ("<", True),
    b"MM\0+": (">", True),
}
# ComfyUI numbers the parts of its workflow downwards from Make.
_COMFY_FIRST, _COMFY_LAST = 0x0100, 0x010D


@dataclass(frozen=True, slots=True)
class _Entry:
    tag: int
    value: bytes
    number: int


def fields(block: bytes) -> Iterator[Field]:
    """The tags of an EXIF block or a TIFF file; the `Exif` header of JPEG is skipped. Damage ends a directory."""
    if block[:6].lower() in (b"exif\0\0", b"exif\0\xff"):
        block = block[6:]
    order, big = _HEADERS.get(block[:4], ("", False))
    if not order or len(block) < _HEADER_BYTES:
        return
    at = struct.unpack_from(order + ("Q" if big else "I"), block, 8 if big else 4)[0]
    inner = 0
    for entry in _entries(block, at, order, big):
        if entry.tag == _EXIF_DIRECTORY:
            inner = entry.number
        yield from _declared(entry, order)
    for entry in _entries(block, inner, order, big) if inner else ():
        yield from _declared(entry, order)


def _entries(block: bytes, at: int, order: str, big: bool) -> Iterator[_Entry]:
    count_form, entry_form, offset_form = ("Q", "HHQ", "Q") if big else ("H", "HHI", "I")
    head, width = struct.calcsize(order + count_form), struct.calcsize(order + offset_form)
    size = struct.calcsize(order + entry_form) + width
    if at + head > len(block):
        return
    (count,) = struct.unpack_from(order + count_form, block, at)
    for number in range(min(count, _MAX_ENTRIES)):
        place = at + head + number * size
        if place + size > len(block):
            return
        tag, kind, items = struct.unpack_from(order + entry_form, block, place)
        length, where = items * _SIZES.get(kind, 0), place + size - width
        (offset,) = struct.unpack_from(order + offset_form, block, where)
        start = where if length <= width else offset
        yield _Entry(tag, block[start : start + min(length, 4 * MAX_VALUE)], offset)


def _declared(entry: _Entry, order: str) -> Iterator[Field]:
    if entry.tag == _XMP:
        yield from xmp.fields(entry.value)
    elif entry.tag == _IIM:
        yield from iim.fields(entry.value)
    elif entry.tag == _PHOTOSHOP:
        yield from iim.resources(entry.value)
    elif name := _TAGS.get(entry.tag):
        yield Field("exif", name, _text(name, entry.value, order).strip("\0 \t\r\n"))
    elif _COMFY_FIRST <= entry.tag <= _COMFY_LAST and entry.value[:9].lower() == b"workflow:":
        yield Field("exif", "ImageDescription", text_of(entry.value).strip("\0 \t\r\n"))


def _text(name: str, value: bytes, order: str) -> str:
    if name.startswith("XP"):
        return value.decode("utf-16-le", "replace")
    if name != "UserComment":
        return text_of(value.partition(b"\0")[0])
    code, comment = value[:8].rstrip(b"\0 ").upper(), value[8:]
    if code == b"UNICODE":
        return _wide(comment, order)
    if code == b"JIS":
        return comment.decode("iso2022_jp", "replace")
    return text_of(comment if code in (b"ASCII", b"") else value)


def _wide(comment: bytes, order: str) -> str:
    """UTF-16 by its mark, or in the byte order that gives more plain text: writers often ignore the file's own."""
    if comment[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return comment.decode("utf-16", "replace")
    if b"\0" not in comment[:200].rstrip(b"\0") and comment.isascii():
        return comment.decode("ascii")  # some writers put UTF-8 behind the prefix
    own, other = ("utf-16-le", "utf-16-be") if order == "<" else ("utf-16-be", "utf-16-le")
    return max((comment.decode(coding, "replace") for coding in (own, other)), key=_plain)


def _plain(text: str) -> int:
    return sum(character.isascii() for character in text[:1_000])
