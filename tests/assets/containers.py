"""The smallest files of the kinds that carry a Content Credential and are not decoded here: films, sound, drawings."""

import io
import struct
import wave
from collections.abc import Mapping

from PIL import Image, TiffImagePlugin

CONTENT = bytes(range(256)) * 8
"""Stands for what a file shows or plays; no test decodes it."""


def box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def film(brand: bytes) -> bytes:
    """An ISO base media file without tracks."""
    header = struct.pack(">IIIIIIH", 0, 0, 0, 1000, 1000, 0x10000, 0x100) + bytes(74)
    return box(b"ftyp", brand, bytes(4), brand) + box(b"moov", box(b"mvhd", header)) + box(b"mdat", CONTENT)


def heic() -> bytes:
    """An AVIF that says it is HEVC."""
    out = io.BytesIO()
    Image.linear_gradient("L").resize((32, 32)).save(out, "AVIF")
    replaced = out.getvalue()
    for old, new in ((b"avif", b"heic"), (b"av01", b"hvc1"), (b"av1C", b"hvcC")):
        replaced = replaced.replace(old, new)
    return replaced


def jxl() -> bytes:
    return box(b"JXL ", b"\r\n\x87\n") + box(b"ftyp", b"jxl ", bytes(4), b"jxl ") + box(b"jxlc", b"\xff\x0a", CONTENT)


def riff(form: bytes, *chunks: bytes) -> bytes:
    body = form + b"".join(chunks)
    return struct.pack("<4sI", b"RIFF", len(body)) + body


def avi() -> bytes:
    main = struct.pack("<4sI", b"avih", 56) + bytes(56)
    header = struct.pack("<4sI", b"LIST", 4 + len(main)) + b"hdrl" + main
    frame = struct.pack("<4sI", b"00dc", len(CONTENT)) + CONTENT
    return riff(b"AVI ", header, struct.pack("<4sI", b"LIST", 4 + len(frame)) + b"movi" + frame)


def wav() -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(8000)
        file.writeframes(CONTENT)
    return out.getvalue()


def flac() -> bytes:
    streaminfo = struct.pack(">HH", 4096, 4096) + bytes(6) + struct.pack(">Q", 8000 << 44 | 7 << 36) + bytes(16)
    return b"fLaC" + struct.pack(">I", 0x80 << 24 | len(streaminfo)) + streaminfo + b"\xff\xf8" + CONTENT


def mp3() -> bytes:
    return b"\xff\xfb\x10\xc4" + CONTENT


def dng() -> bytes:
    out, tags = io.BytesIO(), TiffImagePlugin.ImageFileDirectory_v2()
    tags[50706], tags.tagtype[50706] = bytes([1, 4, 0, 0]), 1
    Image.linear_gradient("L").save(out, "TIFF", tiffinfo=tags)
    return out.getvalue()


def svg() -> bytes:
    return b'<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"><text>' + b"a" * 400 + b"</text></svg>"


CONTAINERS: Mapping[str, bytes] = {
    "video/mp4": film(b"isom"),
    "video/quicktime": film(b"qt  "),
    "video/x-m4v": film(b"M4V "),
    "audio/mp4": film(b"M4A "),
    "image/heic": heic(),
    "image/jxl": jxl(),
    "video/avi": avi(),
    "audio/wav": wav(),
    "audio/flac": flac(),
    "audio/mpeg": mp3(),
    "image/dng": dng(),
    "image/svg+xml": svg(),
}
