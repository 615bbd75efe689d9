"""Whether a file carries credential bytes at all. It is asked before the SDK is.

The SDK answers for a damaged container as it does for a damaged credential. So every container is walked here, block by
block, in linear time and with a bound on the number of blocks; nothing is decoded. Where manifest stores are embedded:
C2PA 2.4, appendix A (https://spec.c2pa.org/specifications/specifications/2.4/specs/C2PA_Specification.html#_embedding_manifests_into_various_file_formats).
"""

import re
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

STORE_TYPE = bytes.fromhex("6332706100110010800000aa00389b71")
"""The JUMBF type of a C2PA manifest store. Every store opens with it, so a file without it embeds none in the clear."""

_STORE_HEADER = 16  # LBox, `jumb`, LBox, `jumd`: what precedes the type
_BMFF_C2PA = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
_TIFF_TAG = 0xCD41
_MAX_BLOCKS = 100_000
_MAX_SUB_BLOCKS = 500_000  # GIF: 255 bytes each
_TAIL = 2048
_URL = re.compile(rb"""dcterms:provenance\s*(?:=\s*["']([^"'<>\s]{1,2048})["']|>\s*([^"'<>\s]{1,2048})\s*<)""")
_ZIP_ENTRY = b"META-INF/content_credential.c2pa"
_BRANDS: Mapping[bytes, str] = {
    b"avif": "image/avif", b"avis": "image/avif",
    b"heic": "image/heic", b"heix": "image/heic", b"heim": "image/heic", b"heis": "image/heic", b"hevc": "image/heic",
    b"hevx": "image/heic", b"mif1": "image/heif", b"msf1": "image/heif",
    b"qt  ": "video/quicktime", b"M4A ": "audio/mp4", b"M4B ": "audio/mp4", b"M4V ": "video/x-m4v",
}  # fmt: skip
_RIFF_FORMS: Mapping[bytes, str] = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/avi"}


@dataclass(frozen=True, slots=True)
class Presence:
    """What a file carries. `mime`: of a container that the SDK reads, else None. `store`: the embedded manifest store.

    `embedded`: credential bytes are in the file, whole or not. `complete`: the container ends where it says it does.
    `opaque`: the container may hide credential bytes in compressed streams, so only the SDK can tell.
    """

    mime: str | None
    embedded: bool = False
    store: bytes | None = field(default=None, repr=False)
    remote_url: str | None = None
    complete: bool = True
    opaque: bool = False


@dataclass(frozen=True, slots=True)
class _Walk:
    """What walking a container found: the store's bytes (None if no block holds one), and whether it is whole."""

    store: bytes | None = None
    complete: bool = True


def look(data: bytes) -> Presence:
    """Look for a credential in a file of any type. Never raises; time is linear in the file's size."""
    mime, walk = _container(data)
    found = Presence(mime, opaque=mime in ("application/pdf", "application/zip"))
    try:
        walked = walk(data)
    except (struct.error, IndexError, ValueError):
        walked = _Walk(complete=False)
    # The whole file is searched only where walking it found no store: that costs more than the walk.
    anywhere = -1 if walked.store else data.find(STORE_TYPE)
    mark = b"<c2pa:manifest" if mime == "image/svg+xml" else _ZIP_ENTRY
    return replace(
        found,
        embedded=walked.store is not None or anywhere >= 0 or mark in data,
        store=walked.store or _store_at(data, anywhere),
        remote_url=_remote_url(data if mime != "image/gif" else _gif_application(data, b"XMP Data") or b""),
        complete=walked.complete,
    )


def sniff(data: bytes) -> str | None:
    """The type of a file by its first bytes, if the SDK reads that type; else None."""
    return _container(data)[0]


def _container(data: bytes) -> tuple[str | None, Callable[[bytes], _Walk]]:
    """The type of a file by its first bytes, and how to walk it."""
    for signature, mime, walk in _SIGNATURES:
        if signature.match(data):
            return mime, walk
    if data[:3] == b"ID3":
        return "audio/flac" if _after_id3(data) == b"fLaC" else "audio/mpeg", _whole
    if data[4:8] == b"ftyp":
        return _brand(data), _bmff
    if data[:4] == b"RIFF" and data[8:12] in _RIFF_FORMS:
        return _RIFF_FORMS[data[8:12]], _riff
    opening = data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    if opening.startswith(b"<") and b"<svg" in opening:
        return "image/svg+xml", lambda body: _Walk(complete=b"</svg" in body[-_TAIL:])
    return None, _whole


def _brand(data: bytes) -> str:
    """The MIME type of an ISO base media file: by its major brand, else by a compatible one."""
    size = min(struct.unpack(">I", data[:4])[0], 256)
    brands = [data[8:12], *(data[at : at + 4] for at in range(16, size, 4))]
    return next((_BRANDS[brand] for brand in brands if brand in _BRANDS), "video/mp4")


def _after_id3(data: bytes) -> bytes:
    """The first bytes behind an ID3v2 tag, whose size has seven bits a byte."""
    size = sum((byte & 0x7F) << 7 * place for place, byte in enumerate(data[9:5:-1]))
    return data[10 + size : 14 + size]


def _whole(_data: bytes) -> _Walk:
    return _Walk()


def _store_at(data: bytes, at: int) -> bytes | None:
    """The manifest store whose type stands at `at`, if it lies in one piece."""
    start = at - _STORE_HEADER
    if start < 0 or data[start + 4 : start + 8] != b"jumb" or data[at - 4 : at] != b"jumd":
        return None
    (size,) = struct.unpack(">I", data[start : start + 4])
    return data[start : start + size] if start + size <= len(data) else None


def _remote_url(data: bytes) -> str | None:
    """The URL in XMP under which the credential is said to be (C2PA 2.4, section 11.5)."""
    if b"dcterms:provenance" not in data:
        return None
    found = _URL.search(data)
    return (found[1] or found[2]).decode("utf-8", "replace").replace("&amp;", "&") if found else None


def _png(data: bytes) -> _Walk:
    store, at = None, 8
    for _ in range(_MAX_BLOCKS):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        end = at + 12 + length
        if kind == b"caBX":
            store = data[at + 8 : at + 8 + length]
        if end > len(data):
            return _Walk(store, complete=False)
        if kind == b"IEND":
            return _Walk(store)
        at = end
        if at >= len(data):
            return _Walk(store, complete=False)
    return _Walk(store)


def _jpeg(data: bytes) -> _Walk:
    parts: dict[int, list[bytes]] = {}
    at = 2
    for _ in range(_MAX_BLOCKS):
        while data[at : at + 2] == b"\xff\xff":
            at += 1
        if at + 4 > len(data) or data[at] != 0xFF:
            return _Walk(_joined(parts), complete=False)
        marker = data[at + 1]
        if marker in (0xDA, 0xD9):  # after the start of a scan only the end of the image is of interest
            return _Walk(_joined(parts), complete=data.rfind(b"\xff\xd9", at) >= 0)
        (length,) = struct.unpack(">H", data[at + 2 : at + 4])
        if marker == 0xEB and data[at + 4 : at + 6] == b"JP" and len(data) >= at + 12:
            (instance,) = struct.unpack(">H", data[at + 6 : at + 8])
            parts.setdefault(instance, []).append(data[at + 12 : at + 2 + length])
        at += 2 + length
    return _Walk(_joined(parts))


def _joined(parts: Mapping[int, list[bytes]]) -> bytes | None:
    """The manifest store from its APP11 segments: each repeats the first eight bytes of the box."""
    for pieces in parts.values():
        if pieces and pieces[0][_STORE_HEADER : _STORE_HEADER + 16] == STORE_TYPE:
            return pieces[0] + b"".join(piece[8:] for piece in pieces[1:])
    return None


def _riff(data: bytes) -> _Walk:
    (size,) = struct.unpack("<I", data[4:8])
    store, at = None, 12
    for _ in range(_MAX_BLOCKS):
        if at + 8 > min(len(data), 8 + size):
            break
        kind, length = struct.unpack("<4sI", data[at : at + 8])
        if kind == b"C2PA":
            store = data[at + 8 : at + 8 + length]
        at += 8 + length + (length & 1)
    return _Walk(store, complete=8 + size <= len(data) + 1)


def _boxes(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """The top-level boxes: type, where the content begins, and where it ends by the box's own word."""
    at = 0
    for _ in range(_MAX_BLOCKS):
        if at + 8 > len(data):
            return
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        begins = at + 8
        if size == 1:
            (size,) = struct.unpack(">Q", data[at + 8 : at + 16])
            begins = at + 16
        end = len(data) if size == 0 else at + size
        yield kind, begins, end
        if end <= at:
            return
        at = end


def _bmff(data: bytes) -> _Walk:
    store, complete = None, True
    for kind, begins, end in _boxes(data):
        complete = end <= len(data)
        if kind == b"uuid" and data[begins : begins + 16] == _BMFF_C2PA:
            purpose, _, rest = data[begins + 20 : min(end, len(data))].partition(b"\0")
            if purpose in (b"manifest", b"original", b"update"):
                store = rest[8:]
        if kind == b"jumb" and data[begins + 8 : begins + 24] == STORE_TYPE:  # JPEG XL
            store = data[begins - 8 : min(end, len(data))]
    return _Walk(store, complete)


def _tiff(data: bytes) -> _Walk:
    """The image file directories, each at most once: their chain may loop."""
    order = "<" if data[:2] == b"II" else ">"
    (at,) = struct.unpack(order + "I", data[4:8])
    seen: set[int] = set()
    while at and at not in seen and len(seen) < _MAX_BLOCKS // 100:
        seen.add(at)
        if at + 2 > len(data):
            return _Walk(complete=False)
        (entries,) = struct.unpack(order + "H", data[at : at + 2])
        for number in range(entries):
            entry = data[at + 2 + 12 * number : at + 14 + 12 * number]
            if len(entry) < 12:
                return _Walk(complete=False)
            tag, _, count, offset = struct.unpack(order + "HHII", entry)
            if tag == _TIFF_TAG:
                return _Walk(data[offset : offset + count], complete=offset + count <= len(data))
        following = data[at + 2 + 12 * entries : at + 6 + 12 * entries]
        at = struct.unpack(order + "I", following)[0] if len(following) == 4 else 0
    return _Walk()


def _gif(data: bytes) -> _Walk:
    return _Walk(_gif_application(data, b"C2PA_GIF"), complete=data[-64:].rstrip(b"\0")[-1:] == b";")


def _gif_application(data: bytes, name: bytes) -> bytes | None:
    """The joined data blocks of a GIF's application extension."""
    at = data.find(b"\x21\xff\x0b" + name)
    if at < 0:
        return None
    at, parts = at + 14, []
    for _ in range(_MAX_SUB_BLOCKS):
        length = data[at] if at < len(data) else 0
        if not length:
            break
        parts.append(data[at + 1 : at + 1 + length])
        at += 1 + length
    return b"".join(parts)


_SIGNATURES: tuple[tuple[re.Pattern[bytes], str, Callable[[bytes], _Walk]], ...] = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png", _png),
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg", _jpeg),
    (re.compile(rb"....JXL \r\n\x87\n", re.DOTALL), "image/jxl", _bmff),
    (re.compile(rb"\xff\x0a"), "image/jxl", _whole),  # a bare codestream has no boxes
    (re.compile(rb"GIF8[79]a"), "image/gif", _gif),
    (re.compile(rb"II\*\0|MM\0\*"), "image/tiff", _tiff),
    (re.compile(rb"%PDF-"), "application/pdf", lambda body: _Walk(complete=b"%%EOF" in body[-_TAIL:])),
    (re.compile(rb"PK\x03\x04"), "application/zip", _whole),
    (re.compile(rb"fLaC"), "audio/flac", _whole),
    (re.compile(rb"\xff[\xfb\xf3\xf2\xfa]"), "audio/mpeg", _whole),
    (re.compile(rb"....jumb", re.DOTALL), "application/c2pa", _whole),
)
