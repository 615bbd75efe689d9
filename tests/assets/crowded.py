"""Files with more parts than any honest one, and what makes them: chunks, segments, boxes, directories, blocks."""

import struct
import zlib

from PIL import Image

from tests.assets.hostile import picture, save


def png_chunk(kind: bytes, body: bytes = b"") -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(many: int, kind: bytes = b"prVt") -> bytes:
    """`many` empty chunks between the header and the pixels."""
    whole = save(picture(), "PNG")
    return whole[:33] + png_chunk(kind) * many + whole[33:]


def jpeg(many: int) -> bytes:
    """`many` empty comments before everything else."""
    whole = save(picture(), "JPEG")
    return whole[:2] + b"\xff\xfe\x00\x02" * many + whole[2:]


def webp(many: int) -> bytes:
    whole = save(picture(), "WEBP")
    body = whole[8:] + b"junk\0\0\0\0" * many
    return b"RIFF" + struct.pack("<I", len(body)) + body


def avif(many: int) -> bytes:
    return save(picture(), "AVIF") + b"\0\0\0\x08free" * many


def nested_boxes(depth: int) -> bytes:
    inner = b""
    for _ in range(depth):
        inner = struct.pack(">I", 8 + len(inner)) + b"moov" + inner
    return save(picture(), "AVIF") + inner


def tiff_directories(many: int, *, loop: bool = False) -> bytes:
    """A chain of empty directories behind the first; `loop`: the last leads back to the first of them."""
    whole = bytearray(save(picture(), "TIFF"))
    first = struct.unpack_from("<I", whole, 4)[0]
    after = first + 2 + 12 * struct.unpack_from("<H", whole, first)[0]
    start = len(whole)
    struct.pack_into("<I", whole, after, start)
    for index in range(many):
        following = start + 6 * (index + 1) if index + 1 < many else start if loop else 0
        whole += struct.pack("<HI", 0, following)
    return bytes(whole)


def tiff_tags(many: int) -> bytes:
    entries = b"".join(struct.pack("<HHII", 60_000, 3, 1, 0) for _ in range(many))
    return b"II*\0" + struct.pack("<IH", 8, many) + entries + bytes(4)


def tiff_values(many: int) -> bytes:
    """One tag of `many` numbers."""
    entry = struct.pack("<HHII", 273, 4, many, 30)
    return b"II*\0" + struct.pack("<IH", 8, 1) + entry + bytes(8) + bytes(4 * many)


def gif(many: int) -> bytes:
    """A comment of `many` blocks of one byte."""
    whole = save(picture("P"), "GIF")
    at = 13 + (3 << ((whole[10] & 7) + 1) if whole[10] & 0x80 else 0)
    return whole[:at] + b"\x21\xfe" + b"\x01x" * many + b"\0" + whole[at:]


def flat_webp(side: int) -> bytes:
    """One colour, lossless: 42 bytes of any size."""
    return save(Image.new("RGB", (side, side), (120, 50, 3)), "WEBP", lossless=True, method=0)


def flat_webp_of(width: int, height: int) -> bytes:
    """The same of any size without encoding it: the size of a small one rewritten."""
    whole = bytearray(flat_webp(16))
    at = whole.index(b"VP8L") + 9
    bits = int.from_bytes(whole[at : at + 4], "little") & ~0xFFFFFFF | (width - 1) | (height - 1) << 14
    whole[at : at + 4] = bits.to_bytes(4, "little")
    return bytes(whole)
