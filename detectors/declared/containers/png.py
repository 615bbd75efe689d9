"""PNG and APNG (third edition): texts, the XMP packet among them, EXIF, and profiles that ImageMagick wrote as text."""

import re
import struct
import zlib
from collections.abc import Iterator

from detectors.declared import exif, iim, xmp
from detectors.declared.metadata import MAX_VALUE, Field, text_of

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_XMP = "xml:com.adobe.xmp"
_RAW_PROFILE = "raw profile type "
_MAX_CHUNKS = 20_000


def fields(data: bytes) -> Iterator[Field]:
    """The fields of a file, wherever its chunks stand."""
    for kind, body in _chunks(data):
        if kind == b"eXIf":
            yield from exif.fields(body)
            continue
        name, text = _text(kind, body)
        if name.casefold() == _XMP:
            yield from xmp.fields(text)
        elif name.casefold().startswith(_RAW_PROFILE):
            yield from _profile(name.casefold().removeprefix(_RAW_PROFILE).strip(), text)
        elif name:
            yield Field("png_text", name, text_of(text).strip("\0"))


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(SIGNATURE)
    for _ in range(_MAX_CHUNKS):
        if at + 8 > len(data):
            return
        length, kind = struct.unpack_from(">I4s", data, at)
        if kind in (b"tEXt", b"zTXt", b"iTXt", b"eXIf"):
            yield kind, data[at + 8 : at + 8 + length]
        elif kind == b"IEND":
            return
        at += 12 + length


def _text(kind: bytes, body: bytes) -> tuple[str, bytes]:
    keyword, _, text = body.partition(b"\0")
    name = keyword.decode("latin-1").strip()
    if kind == b"zTXt":
        return name, _inflated(text[1:])
    if kind == b"iTXt":
        compressed = text[:1] == b"\1"
        _language, _, rest = text[2:].partition(b"\0")
        _translated, _, text = rest.partition(b"\0")
        return name, _inflated(text) if compressed else text
    return name, text


def _inflated(text: bytes) -> bytes:
    """At most MAX_VALUE bytes: a few kilobytes can stand for gigabytes."""
    try:
        return zlib.decompressobj().decompress(text, MAX_VALUE)
    except zlib.error:
        return b""


def _profile(kind: str, text: bytes) -> Iterator[Field]:
    """`\\nkind\\n  length\\nhexadecimal`."""
    parts = text.split(None, 2)
    raw = re.sub(rb"\s+", b"", parts[2]) if len(parts) == 3 else b""
    try:
        body = bytes.fromhex(raw.decode("ascii"))
    except (UnicodeDecodeError, ValueError):
        return
    if kind in ("xmp", "app1") and b"<" in body[:256] and not body.startswith(b"Exif"):
        yield from xmp.fields(body[body.index(b"<") :])
    elif kind in ("exif", "app1"):
        yield from exif.fields(body)
    elif kind in ("iptc", "8bim"):
        yield from iim.resources(body) if body.startswith(b"8BIM") else iim.fields(body)
