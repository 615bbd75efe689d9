"""Bytes to pixels with Pillow: what runs in a worker process. Nothing else opens a file of a stranger.

This module imports neither settings nor models: a worker is to start quickly and to hold nothing worth stealing.
"""

import contextlib
import io
import math
import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from PIL import (
    AvifImagePlugin,
    ExifTags,
    GifImagePlugin,
    Image,
    ImageCms,
    MpoImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

from detectors.declared.metadata import Metadata
from detectors.declared.reading import read_metadata
from service.kit.errors import BrokenPicture, InputError, TooLarge, UnsupportedFormat, UnsupportedPixels

# Imported above, because a worker can import nothing once it has begun.
_PLUGINS = (AvifImagePlugin, GifImagePlugin, MpoImagePlugin, PngImagePlugin, TiffImagePlugin, WebPImagePlugin)
DECODERS = ("PNG", "JPEG", "WEBP", "AVIF", "TIFF", "GIF")

_SRGB = ImageCms.createProfile("sRGB")
_WHITE = (255, 255, 255)
_HALF = 128
_STANDARD_LUMINANCE_SUM = 3688  # table K.1 of ITU-T T.81, libjpeg's quality 50
_BAND = 1 << 20  # pixels that are converted at a time: the whole image is held only once
_TO_8_BIT = [round(value / 257) for value in range(1 << 16)]

# Signatures of the formats. A file that has one but cannot be opened is damaged, not unsupported.
_SIGNATURE = re.compile(rb"\x89PNG\r\n\x1a\n|\xff\xd8\xff|RIFF....WEBP|....ftypavi[fs]|II\*\0|MM\0\*|GIF8", re.DOTALL)

# The header has been checked before any decoding, so Pillow's process-wide limit and warnings are off.
Image.MAX_IMAGE_PIXELS = None
warnings.filterwarnings("ignore", module=r"PIL\.")

# EXIF orientations: steps through rows and columns of the upright image; and those whose rows become columns.
_FLIPS = {2: (1, -1), 3: (-1, -1), 4: (-1, 1), 6: (1, -1), 7: (-1, -1), 8: (-1, 1)}
_ON_THEIR_SIDE = (5, 6, 7, 8)

Band = Callable[[Image.Image], Image.Image]


def decode(data: bytes, *, out: memoryview, max_pixels: int) -> tuple[dict[str, Any], int]:
    """The (first) image of a file as upright sRGB: uint8[H, W, 3] in `out`. Alpha is composited on white.

    Returns width and height, Pillow's name of the format, the JPEG quality and the metadata.

    Raises:
        UnsupportedFormat: not a format of `DECODERS`.
        TooLarge: more than `max_pixels`, or more than `out` holds: the header was not what the decoder found.
        BrokenPicture: damaged or truncated.
        UnsupportedPixels: a pixel type with no agreed meaning, such as floating point.
    """
    with _blame_file():
        image = _loaded(data, max_pixels)
        pixels = _upright(image, out, 3)
        _fill(pixels, image, _to_srgb(image, image.info.get("icc_profile")))
        height, width = pixels.final.shape[:2]
        found = {"format": image.format, "quality": _jpeg_quality(image), "metadata": _metadata(data, image)}
        return {"width": width, "height": height, **found}, pixels.final.size


def metadata(data: bytes, *, out: memoryview) -> tuple[dict[str, Any], int]:
    """Place, name and value of each field of the metadata of a file whose pixels are not decoded. Content never raises.

    `out` stays empty.
    """
    return {"metadata": _listed(read_metadata(data))}, 0


def select(data: bytes, *, out: memoryview, max_pixels: int) -> tuple[dict[str, Any], int]:
    """The area a mask image selects (uint8[H, W] in `out`, 0 or 255): its transparent pixels if it has any, otherwise
    its white ones. The first is OpenAI's convention, the second that of diffusers. Raises as `decode`.
    """
    with _blame_file():
        image = _loaded(data, max_pixels)
        pixels = _upright(image, out)
        if not _fill_hole(pixels, image):
            convert = _to_srgb(image, None)
            _fill(pixels, image, lambda band: convert(band).convert("L").point(_from_half))
        height, width = pixels.final.shape
        return {"width": width, "height": height}, pixels.final.size


def hole(data: bytes, *, out: memoryview, max_pixels: int) -> tuple[dict[str, Any], int]:
    """The transparent pixels of an image (uint8[H, W] in `out`, 0 or 255), if it has any. Raises as `decode`."""
    with _blame_file():
        if not _opened(data).has_transparency_data:  # most images, and not worth decoding again
            return {}, 0
        image = _loaded(data, max_pixels)
        pixels = _upright(image, out)
        if not _fill_hole(pixels, image):
            return {}, 0
        height, width = pixels.final.shape
        return {"width": width, "height": height}, pixels.final.size


def _fill_hole(pixels: "_Pixels", image: Image.Image) -> bool:
    """Write the pixels that are more transparent than opaque as 255. Returns whether there is one."""
    if not image.has_transparency_data:
        return False
    _fill(pixels, image, lambda band: band.convert("RGBA").getchannel("A").point(_below_half))
    return bool(pixels.final.any())


def _below_half(value: int) -> int:
    return 255 * (value < _HALF)


def _from_half(value: int) -> int:
    return 255 * (value >= _HALF)


@contextlib.contextmanager
def _blame_file() -> Iterator[None]:
    """Turn whatever a decoder or conversion raises into an InputError: the file is at fault."""
    try:
        yield
    except (InputError, MemoryError):
        raise
    except Exception as damage:
        raise BrokenPicture("the file is damaged, and its pixels cannot be decoded") from damage


def _loaded(data: bytes, max_pixels: int) -> Image.Image:
    """The decoded but not yet converted image."""
    image = _opened(data)
    pixels = image.width * image.height
    if pixels > max_pixels:
        raise TooLarge(f"the image has {pixels:,} pixels, the limit is {max_pixels:,}")
    image.load()
    return image


def _opened(data: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(data), formats=DECODERS)
    except UnidentifiedImageError as unknown:
        if _SIGNATURE.match(data):
            raise BrokenPicture("the file begins like an image but is damaged") from unknown
        raise UnsupportedFormat("the file is not an image in a supported format") from unknown


@dataclass(frozen=True, slots=True)
class _Pixels:
    """Room for samples: the `final` upright array, and the same memory in the order of the rows of the file."""

    final: NDArray[np.uint8]
    as_stored: NDArray[np.uint8]


def _upright(image: Image.Image, out: memoryview, *channels: int) -> _Pixels:
    """Room in `out` for the image as it is to be seen. It is turned while it is written: a turned copy would take as
    much memory as the image."""
    orientation = 1
    with contextlib.suppress(Exception):  # broken EXIF has no orientation
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
    shape = image.size if orientation in _ON_THEIR_SIDE else image.size[::-1]
    size = math.prod((*shape, *channels))
    if size > len(out):
        raise TooLarge("the image is larger than its header says")
    final = np.frombuffer(out, np.uint8, size).reshape(*shape, *channels)
    rows, columns = _FLIPS.get(orientation, (1, 1))
    turned = final[::rows, ::columns]
    return _Pixels(final, turned.swapaxes(0, 1) if orientation in _ON_THEIR_SIDE else turned)


def _fill(pixels: _Pixels, image: Image.Image, convert: Band) -> None:
    """Convert the image band by band, and write its samples."""
    rows = max(1, _BAND // image.width)
    for top in range(0, image.height, rows):
        bottom = min(image.height, top + rows)
        whole = bottom - top == image.height
        pixels.as_stored[top:bottom] = np.asarray(
            convert(image if whole else image.crop((0, top, image.width, bottom)))
        )


def _to_srgb(image: Image.Image, profile: bytes | None) -> Band:
    """How to convert bands of `image` to RGB in sRGB.

    An unusable profile is ignored: viewers show such files as sRGB, too.
    """
    wide = image.mode.startswith("I")
    transparent = not wide and (image.mode in ("P", "PA", "LA", "La", "RGBa") or "transparency" in image.info)
    mode = "RGB" if transparent or image.mode == "RGBA" else "L" if wide else image.mode
    return partial(_srgb_band, transparent=transparent, transform=_transform(profile, mode))


def _srgb_band(band: Image.Image, *, transparent: bool, transform: ImageCms.ImageCmsTransform | None) -> Image.Image:
    band = _to_8_bit(band)
    if transparent:
        band = band.convert("RGBA")
    alpha = band.getchannel("A") if band.mode == "RGBA" else None
    colour = band.convert("RGB") if alpha else band
    if transform is not None:
        colour = ImageCms.applyTransform(colour, transform) or colour
    if colour.mode != "RGB":
        colour = colour.convert("RGB")
    return colour if alpha is None else Image.composite(colour, Image.new("RGB", colour.size, _WHITE), alpha)


def _transform(profile: bytes | None, mode: str) -> ImageCms.ImageCmsTransform | None:
    if not profile or mode not in ("RGB", "CMYK", "L"):
        return None
    try:
        return ImageCms.buildTransform(ImageCms.ImageCmsProfile(io.BytesIO(profile)), _SRGB, mode, "RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None


def _to_8_bit(band: Image.Image) -> Image.Image:
    """16-bit grey, which Pillow stores as 16 or 32-bit integers, scaled to 8 bits; 8-bit modes unchanged."""
    if band.mode.startswith("I"):
        values = band if band.mode == "I" else band.convert("I")
        lowest, highest = cast(tuple[int, int], values.getextrema())
        if lowest < 0 or highest >= len(_TO_8_BIT):
            raise UnsupportedPixels("the image has 32-bit integer pixels")
        return values.point(_TO_8_BIT, "L")
    if band.mode == "F":
        raise UnsupportedPixels("the image has floating-point pixels")
    return band


def _jpeg_quality(image: Image.Image) -> int | None:
    """The libjpeg quality whose scaled standard luminance table has the same mean as the file's."""
    table: list[int] | None = getattr(image, "quantization", {}).get(0)
    if not table:
        return None
    scale = 100 * sum(table) / _STANDARD_LUMINANCE_SUM
    quality = (200 - scale) / 2 if scale <= 100 else 5000 / scale
    return round(min(100, max(1, quality)))


def _metadata(data: bytes, image: Image.Image) -> list[tuple[str, str, str]]:
    """Place, name and value of each field of the file's metadata, with text in the alpha channel."""

    def alpha(columns: int) -> NDArray[np.uint8]:
        return np.asarray(image.crop((0, 0, min(columns, image.width), image.height)).getchannel("A"))

    return _listed(read_metadata(data, alpha if image.mode == "RGBA" else None, image.height))


def _listed(found: Metadata) -> list[tuple[str, str, str]]:
    return [(field.place, field.name, field.value) for field in found.fields]
