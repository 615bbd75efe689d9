"""JPEG (ITU-T T.81): EXIF and XMP in APP1, extended XMP, IPTC-IIM in APP13, comments."""

import struct
from collections.abc import Iterator

from detectors.declared import exif, iim, xmp
from detectors.declared.metadata import Field, text_of

SIGNATURE = b"\xff\xd8\xff"
_APP1, _APP13, _COMMENT, _SCAN, _END = 0xE1, 0xED, 0xFE, 0xDA, 0xD9
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})  # markers without a length
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_EXTENSION = b"http://ns.adobe.com/xmp/extension/\0"
_PHOTOSHOP = b"Photoshop 3.0\0"
_GUID_BYTES, _EXTENSION_HEAD = 32, 40
_MAX_SEGMENTS = 4_000
_MAX_EXTENSION = 4 << 20


def fields(data: bytes) -> Iterator[Field]:
    """The fields before the first scan."""
    photoshop, extensions = bytearray(), dict[bytes, dict[int, bytes]]()
    names = list[bytes]()
    for marker, body in _segments(data):
        if marker == _COMMENT:
            yield Field("comment", "", text_of(body).strip("\0"))
        elif marker == _APP13 and body.startswith(_PHOTOSHOP):
            photoshop += body[len(_PHOTOSHOP) :]
        elif body.startswith(_XMP):
            for field in xmp.fields(body[len(_XMP) :]):
                names += [field.value.encode()] if field.name == xmp.HAS_EXTENDED else []
                yield field
        elif body.startswith(_EXTENSION):
            _add(extensions, body[len(_EXTENSION) :])
        elif marker == _APP1:
            yield from exif.fields(body)
    yield from iim.resources(bytes(photoshop))
    for name in dict.fromkeys(names):
        yield from xmp.fields(_joined(extensions.get(name, {})))


def _segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The APP1, APP13 and comment segments."""
    at = 2
    for _ in range(_MAX_SEGMENTS):
        at = data.find(b"\xff", at)
        while at >= 0 and data[at + 1 : at + 2] == b"\xff":  # fill bytes
            at += 1
        if at < 0 or at + 4 > len(data):
            return
        marker = data[at + 1]
        if marker in (_SCAN, _END):
            return
        if marker in _ALONE:
            at += 2
            continue
        (length,) = struct.unpack_from(">H", data, at + 2)
        if marker in (_APP1, _APP13, _COMMENT):
            yield marker, data[at + 4 : at + 2 + max(length, 2)]
        at += 2 + max(length, 2)


def _add(extensions: dict[bytes, dict[int, bytes]], body: bytes) -> None:
    if len(body) > _EXTENSION_HEAD:
        _, offset = struct.unpack_from(">II", body, _GUID_BYTES)
        extensions.setdefault(body[:_GUID_BYTES], {})[offset] = body[_EXTENSION_HEAD:]


def _joined(parts: dict[int, bytes]) -> bytes:
    """The parts in order, up to the first gap."""
    whole = bytearray()
    for offset, part in sorted(parts.items()):
        if offset != len(whole) or offset > _MAX_EXTENSION:
            break
        whole += part
    return bytes(whole)
