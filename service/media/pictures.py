"""Bytes to Picture and back: the only decoder. All other code gets its pixels from here.

Checks run in this order: bytes, format by content, header (chunks, pixels, frames, memory), decoding, pixel type.
Nothing is decoded before the header has passed, and files from outside are decoded in a process of their own
(`isolation/`). Formats are an allowlist of decoders; file names are ignored.
"""

import hashlib
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from detectors.declared.metadata import Field, Metadata
from service.kit.errors import BrokenPicture, InputError, TooLarge, UnsupportedFormat
from service.kit.settings import Settings
from service.media.file_metadata import NO_METADATA, FileMetadata
from service.media.headers import Header, scan
from service.media.isolation.parsers import DECODE, HOLE, METADATA, SELECT, InProcess, Parsers
from service.media.isolation.pool import ParserPool

Mime = Literal["image/png", "image/jpeg", "image/webp", "image/avif", "image/tiff", "image/gif"]
OutputFormat = Literal["png", "jpeg", "webp", "avif", "tiff"]
LOSSY: frozenset[OutputFormat] = frozenset({"jpeg", "webp", "avif"})
OWN_QUALITY = 92
LEAST_QUALITY = 75
"""Of the lossy files that we write, on Pillow's scale: what nobody chose, and the least that may be chosen."""

# Phones write MPO for portrait and HDR shots: a JPEG followed by more JPEGs. The first one is the image.
_MIMES: Mapping[str, Mime] = {
    "PNG": "image/png",
    "JPEG": "image/jpeg",
    "MPO": "image/jpeg",
    "WEBP": "image/webp",
    "AVIF": "image/avif",
    "TIFF": "image/tiff",
    "GIF": "image/gif",
}
_IN_PROCESS = InProcess()
_METADATA_BYTES = 64 << 20  # fields hold 16 Mi characters at most, and their sources as much again


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """Limits checked before decoding, the seconds that decoding may take (None: no limit), and where it is done.

    `parsers`: worker processes, for files from outside; by default this process, for files of our own.
    """

    max_bytes: int
    max_pixels: int
    seconds: float | None = None
    parsers: Parsers = _IN_PROCESS


def open_limits(settings: Settings) -> ImageLimits:
    """The operator's limits, and a pool of worker processes of its own, which start when the first file is read.

    Close `parsers` to end them; they also end with this process.
    """
    processes, memory = settings.parser_processes, settings.parser_memory
    parsers = ParserPool(processes, memory) if processes else InProcess(memory)
    return ImageLimits(settings.max_bytes, settings.max_pixels, settings.decode_timeout, parsers)


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A decoded file: upright sRGB pixels (read-only uint8, H x W x 3) and its metadata.

    `jpeg_quality` (1..100, libjpeg's scale) is estimated from the quantisation table; None for other formats.
    `frames`: frames of an animation or pages of a document, of which this is the first.
    """

    rgb: NDArray[np.uint8]
    data: bytes
    mime: Mime
    metadata: Metadata
    jpeg_quality: int | None = None
    frames: int = 1

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        height, width = self.rgb.shape[:2]
        return width, height


def decode(data: bytes, limits: ImageLimits) -> Picture:
    """Decode a still image into upright 8-bit sRGB pixels. Alpha is composited on white; of an MPO the first is read.

    Raises:
        TooLarge: more bytes, pixels, memory or parts than `limits` allow, or decoding took too long.
        Unavailable: too many images are being decoded.
        UnsupportedFormat: not PNG, JPEG, WebP, AVIF or TIFF, or animated, or with several pages.
        BrokenPicture: damaged or truncated, or a decoder crashed on it.
        UnsupportedPixels: a pixel type with no agreed meaning, such as floating point.
    """
    return _decoded(data, _still(data, limits), limits)


def decode_first(data: bytes, limits: ImageLimits) -> Picture:
    """The same for whatever is to be examined: also GIF; of animations and documents the first image, and their number.

    Raises:
        InputError, Unavailable: as `decode`.
    """
    return _decoded(data, _header(data, limits), limits)


def metadata_of(data: bytes, limits: ImageLimits) -> Metadata:
    """The metadata of a file whose pixels are not decoded (HEIC, SVG, a cut image); empty where none is known.

    Raises:
        TooLarge: more bytes than `limits` allow, or reading took too long.
        Unavailable: too many files are being read.
        BrokenPicture: the reader crashed on it.
    """
    if len(data) > limits.max_bytes:
        raise TooLarge(f"the file has {len(data):,} bytes, the limit is {limits.max_bytes:,}")
    parsed = limits.parsers.run(METADATA, [data], memory=_METADATA_BYTES, seconds=limits.seconds)
    try:
        return _metadata(parsed.value["metadata"])
    except (KeyError, TypeError, ValueError) as wrong:  # a worker that a file has taken over
        raise BrokenPicture("the file could not be read safely") from wrong


def _metadata(fields: Any) -> Metadata:
    """From a worker's answer. Raises TypeError, ValueError if it has another shape."""
    return Metadata(tuple(Field(place, str(name), str(value)) for place, name, value in fields))


def selection(data: bytes, limits: ImageLimits) -> NDArray[np.bool_]:
    """The area a mask image selects (bool, H x W): its transparent pixels if it has any, otherwise its white ones.

    The first is OpenAI's convention, the second that of diffusers.

    Raises:
        InputError, Unavailable: as `decode`.
    """
    header = _still(data, limits)
    parsed = limits.parsers.run(
        SELECT, [data], memory=header.memory, output=header.pixels, seconds=limits.seconds, max_pixels=limits.max_pixels
    )
    return _shaped(parsed.out, parsed.value["height"], parsed.value["width"]) > 0


def transparent_area(data: bytes, limits: ImageLimits) -> NDArray[np.bool_] | None:
    """The transparent pixels of an image (bool, H x W); None if it has none. An edit without a mask fills them.

    Raises:
        InputError, Unavailable: as `decode`.
    """
    header = _still(data, limits)
    parsed = limits.parsers.run(
        HOLE, [data], memory=header.memory, output=header.pixels, seconds=limits.seconds, max_pixels=limits.max_pixels
    )
    if not parsed.out:
        return None
    return _shaped(parsed.out, parsed.value["height"], parsed.value["width"]) > 0


def _decoded(data: bytes, header: Header, limits: ImageLimits) -> Picture:
    parsed = limits.parsers.run(
        DECODE,
        [data],
        memory=header.memory,
        output=3 * header.pixels,
        seconds=limits.seconds,
        max_pixels=limits.max_pixels,
    )
    try:
        found = parsed.value
        rgb = _shaped(parsed.out, found["height"], found["width"], 3)
        metadata = _metadata(found["metadata"])
        return Picture(rgb, data, _MIMES[found["format"]], metadata, found["quality"], header.frames)
    except (AttributeError, KeyError, TypeError, ValueError) as wrong:  # a worker that a file has taken over
        raise BrokenPicture("the file could not be read safely") from wrong


def promised_pixels(data: bytes) -> int:
    """The pixels that a file's header promises; 0 if it is no image that can be decoded. Nothing is decoded."""
    try:
        return scan(data).pixels
    except InputError:
        return 0


def _header(data: bytes, limits: ImageLimits) -> Header:
    """What the file promises. Raises TooLarge where that is too much, before anything is decoded."""
    if not data:
        raise BrokenPicture("the file is empty")
    if len(data) > limits.max_bytes:
        raise TooLarge(f"the file has {len(data):,} bytes, the limit is {limits.max_bytes:,}")
    header = scan(data)
    if header.pixels > limits.max_pixels:
        raise TooLarge(f"the image has {header.pixels:,} pixels, the limit is {limits.max_pixels:,}")
    return header


def _still(data: bytes, limits: ImageLimits) -> Header:
    header = _header(data, limits)
    if header.format == "GIF":
        raise UnsupportedFormat("the file is not an image in a supported format")
    if header.frames > 1:
        raise UnsupportedFormat(
            "the file contains several images", hint="Send one still image: no animation, no multi-page file."
        )
    return header


def _shaped(samples: bytes, *shape: int) -> NDArray[np.uint8]:
    """An array over immutable bytes. Raises ValueError if they are not of that shape."""
    return np.frombuffer(samples, np.uint8).reshape(shape)


def encode(
    rgb: NDArray[np.uint8], to: OutputFormat, metadata: FileMetadata = NO_METADATA, quality: int = OWN_QUALITY
) -> tuple[bytes, Mime]:
    """Encode RGB (uint8, H x W x 3) with `metadata`. PNG and TIFF are lossless; `quality` (0..100) is of the others."""
    mime, encoder = _ENCODERS[to]
    lossy = {"quality": quality} if to in LOSSY else {}
    data = encoder(rgb, **lossy, **metadata.options(to))
    return metadata.into_png(data) if to == "png" else data, mime


def preview(rgb: NDArray[np.uint8], longest: int) -> bytes:
    """A JPEG of RGB (uint8, H x W x 3), made smaller to at most `longest` pixels a side."""
    return encode(reduced(rgb, longest), "jpeg")[0]


def reduced(rgb: NDArray[np.uint8], longest: int) -> NDArray[np.uint8]:
    """RGB (uint8, H x W x 3), made smaller to at most `longest` pixels a side."""
    scale = longest / max(rgb.shape[:2])
    size = max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA) if scale < 1 else rgb, np.uint8)


def _pillow(rgb: NDArray[np.uint8], name: str, **options: Any) -> bytes:
    out = io.BytesIO()
    Image.fromarray(rgb).save(out, name, **options)
    return out.getvalue()


def _png(rgb: NDArray[np.uint8]) -> bytes:
    """OpenCV's default settings (one filter, run-length and Huffman coding) take about half the time of Pillow's
    fastest for photographs of the same size. A watermark is fine grain, in which longer matches are rare."""
    written, coded = cv2.imencode(".png", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
    if not written:
        raise ValueError(f"pixels of shape {rgb.shape} cannot be encoded as PNG")
    return coded.tobytes()


_ENCODERS: Mapping[OutputFormat, tuple[Mime, Callable[..., bytes]]] = {
    "png": ("image/png", _png),
    "jpeg": ("image/jpeg", partial(_pillow, name="JPEG", subsampling=0)),
    "webp": ("image/webp", partial(_pillow, name="WEBP", method=4)),
    "avif": ("image/avif", partial(_pillow, name="AVIF", subsampling="4:4:4", speed=8)),
    "tiff": ("image/tiff", partial(_pillow, name="TIFF", compression="tiff_adobe_deflate")),
}


def frozen(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A copy over immutable bytes: unlike a cleared write flag, this cannot be undone."""
    return np.frombuffer(np.ascontiguousarray(rgb).tobytes(), np.uint8).reshape(rgb.shape)
