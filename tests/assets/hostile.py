"""Hostile and odd files, made on the spot: each with the error it must give, or None where it must be read.

`python -m tests.assets.hostile DIR` writes them all, for use with other programs.
"""

import functools
import io
import struct
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms

from service.kit.errors import BrokenPicture, InputError, TooLarge, UnsupportedFormat, UnsupportedPixels

SIDE = 64


@dataclass(frozen=True)
class Case:
    """A named file and the error it must raise. `images`: how many the examiner finds in it, and reads the first of."""

    name: str
    data: bytes
    error: type[InputError] | None
    images: int | None = None


@functools.cache
def cases() -> tuple[Case, ...]:
    """Made once: bombs take a while to compress."""
    return (*_not_pictures(), *_bombs(), *_damaged(), *_sequences(), *_odd_pixels(), *_readable())


def picture(mode: str = "RGB", size: tuple[int, int] = (SIDE, SIDE)) -> Image.Image:
    """A colour gradient in any Pillow mode."""
    x, y = np.meshgrid(np.linspace(0, 255, size[0]), np.linspace(0, 255, size[1]))
    rgb = Image.fromarray(np.stack([x, y, 255 - x], -1).astype(np.uint8))
    return rgb.convert(mode)


def save(image: Image.Image, to: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, to, **options)
    return out.getvalue()


def _not_pictures() -> Iterator[Case]:
    yield Case("empty", b"", BrokenPicture)
    yield Case("text", b"hello, this is not a picture", UnsupportedFormat)
    yield Case("zeros", bytes(4096), UnsupportedFormat)
    yield Case("svg", b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', UnsupportedFormat)
    yield Case("eps", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) run\n", UnsupportedFormat)
    yield Case("pdf", b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\n", UnsupportedFormat)
    yield Case("gif", save(picture("P"), "GIF"), UnsupportedFormat, 1)
    yield Case("bmp", save(picture(), "BMP"), UnsupportedFormat)
    yield Case("ico", save(picture(), "ICO"), UnsupportedFormat)
    yield Case("ppm", save(picture(), "PPM"), UnsupportedFormat)


def _bombs() -> Iterator[Case]:
    yield Case("png_of_4_gigapixels", _png(65_000, 65_000, zlib.compress(b"\0" * 1000)), TooLarge)
    yield Case("png_of_largest_size", _png(0x7FFFFFFF, 0x7FFFFFFF, zlib.compress(b"")), TooLarge)
    yield Case("jpeg_of_4_gigapixels", _jpeg_header(65_500, 65_500), TooLarge)
    yield Case("too_many_bytes", save(picture(), "PNG") + bytes(300_000), TooLarge)
    yield Case("jpeg_of_300_scans", save(picture(), "JPEG") + b"\xff\xda" * 300, TooLarge)
    text = b"Comment\0\0" + zlib.compress(b"x" * 80_000_000)
    yield Case("png_text_bomb", _png(8, 8, _rows(8, 8), (b"zTXt", text)), BrokenPicture)


def _damaged() -> Iterator[Case]:
    for name in ("PNG", "JPEG", "WEBP", "TIFF", "AVIF"):
        whole = save(picture(), name)
        yield Case(f"{name.lower()}_cut_in_half", whole[: len(whole) // 2], BrokenPicture)
    png = save(picture(), "PNG")
    yield Case("png_signature_alone", png[:8], BrokenPicture)
    yield Case("png_zero_size", _png(0, 0, b""), BrokenPicture)
    yield Case("png_bad_checksum", png[:29] + b"\0\0\0\0" + png[33:], BrokenPicture)
    yield Case("png_no_data", _png(8, 8, b""), BrokenPicture)
    yield Case("png_bad_stream", _png(8, 8, b"not zlib"), BrokenPicture)


def _sequences() -> Iterator[Case]:
    frames = [picture(), picture().rotate(90), picture().rotate(180)]
    for name in ("PNG", "WEBP", "TIFF", "AVIF", "GIF"):
        data = save(frames[0], name, save_all=True, append_images=frames[1:])
        yield Case(f"{name.lower()}_of_three_frames", data, UnsupportedFormat, 3)


def _odd_pixels() -> Iterator[Case]:
    yield Case("tiff_floating_point", save(picture("F"), "TIFF"), UnsupportedPixels)
    deep = Image.fromarray(np.full((SIDE, SIDE), 1 << 20, np.int32))
    yield Case("tiff_32_bit_integers", save(deep, "TIFF"), UnsupportedPixels)


def _readable() -> Iterator[Case]:
    for name in ("PNG", "JPEG", "WEBP", "TIFF", "AVIF"):
        yield Case(f"{name.lower()}_plain", save(picture(), name), None)
    for mode in ("1", "L", "LA", "P", "RGBA"):
        yield Case(f"png_mode_{mode}", save(picture("RGB").convert(mode), "PNG"), None)
    yield Case("jpeg_cmyk", save(picture("CMYK"), "JPEG"), None)
    yield Case("jpeg_grey", save(picture("L"), "JPEG"), None)
    yield Case("png_16_bit_grey", save(_grey_16(), "PNG"), None)
    yield Case("tiff_16_bit_grey", save(_grey_16(), "TIFF"), None)
    yield Case("jpeg_rotated_by_exif", save(picture(), "JPEG", exif=_exif(6)), None)
    yield Case("png_broken_colour_profile", save(picture(), "PNG", icc_profile=b"not a profile"), None)
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    yield Case("png_srgb_profile", save(picture(), "PNG", icc_profile=srgb), None)
    yield Case("jpeg_broken_exif", save(picture(), "JPEG", exif=b"Exif\0\0garbage"), None)
    yield Case("mpo_from_a_phone", save(picture(), "MPO", save_all=True, append_images=[picture("L")]), None)
    yield Case("one_pixel", save(picture(size=(1, 1)), "PNG"), None)
    yield Case("one_row", save(picture(size=(500, 1)), "PNG"), None)


def _grey_16() -> Image.Image:
    return Image.fromarray(np.linspace(0, 65535, SIDE * SIDE).reshape(SIDE, SIDE).astype(np.uint16))


def _exif(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif.tobytes()


def _rows(width: int, height: int) -> bytes:
    return zlib.compress((b"\0" + bytes(3 * width)) * height)


def _png(width: int, height: int, stream: bytes, *more: tuple[bytes, bytes]) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), *more, (b"IDAT", stream), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, body) for kind, body in chunks)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _jpeg_header(width: int, height: int) -> bytes:
    """A real JPEG whose frame header claims another size."""
    data = bytearray(save(picture(), "JPEG"))
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def main(folder: str, write: Callable[[Path, bytes], object] = Path.write_bytes) -> None:
    for case in cases():
        write(Path(folder) / case.name, case.data)


if __name__ == "__main__":
    main(sys.argv[1])
