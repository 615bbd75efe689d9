"""Bytes to Picture and back: the only decoder. All other code gets its pixels from here.

Checks run in this order: bytes, format by content, header (pixels, frames), decoding, pixel type. Nothing is
decoded before the header has passed. Formats are an allowlist of decoders; file names are ignored.
"""

import contextlib
import hashlib
import io
import re
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from detectors.declared.metadata import Metadata
from detectors.declared.reading import read
from service.kit.deadline import within
from service.kit.errors import BrokenPicture, InputError, TooLarge, Unavailable, UnsupportedFormat, UnsupportedPixels
from service.kit.settings import Settings

T = TypeVar("T")

Mime = Literal["image/png", "image/jpeg", "image/webp", "image/avif", "image/tiff"]
OutputFormat = Literal["png", "jpeg", "webp"]

# Phones write MPO for portrait and HDR shots: a JPEG followed by more JPEGs. The first one is the image.
_MIMES: Mapping[str, Mime] = {
    "PNG": "image/png",
    "JPEG": "image/jpeg",
    "MPO": "image/jpeg",
    "WEBP": "image/webp",
    "AVIF": "image/avif",
    "TIFF": "image/tiff",
}
_DECODERS = ("PNG", "JPEG", "WEBP", "AVIF", "TIFF")
_SRGB = ImageCms.createProfile("sRGB")
_WHITE = (255, 255, 255)
_HALF = 128
_JPEG, _SCAN = b"\xff\xd8\xff", b"\xff\xda"
_DECODER_SLOTS = threading.BoundedSemaphore(16)  # concurrent decoders, including those that overran their time
_MAX_SCANS = 64  # progressive encoders write about ten; embedded previews add a few
_STANDARD_LUMINANCE_SUM = 3688  # table K.1 of ITU-T T.81, libjpeg's quality 50

# Signatures of the formats. A file that has one but cannot be opened is damaged, not unsupported.
_SIGNATURE = re.compile(rb"\x89PNG\r\n\x1a\n|\xff\xd8\xff|RIFF....WEBP|....ftypavi[fs]|II\*\0|MM\0\*", re.DOTALL)

# `_check_header` limits pixels before any decoding, so Pillow's process-wide limit and warnings are off.
Image.MAX_IMAGE_PIXELS = None
warnings.filterwarnings("ignore", module=r"PIL\.")


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """Limits checked before decoding, and the seconds that decoding may take (None: no limit)."""

    max_bytes: int
    max_pixels: int
    seconds: float | None = None


def limits_of(settings: Settings) -> ImageLimits:
    """The operator's limits."""
    return ImageLimits(settings.max_bytes, settings.max_pixels, settings.decode_timeout)


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A decoded file: upright sRGB pixels (read-only uint8, H x W x 3) and its metadata.

    `jpeg_quality` (1..100, libjpeg's scale) is estimated from the quantisation table; None for other formats.
    """

    rgb: NDArray[np.uint8]
    data: bytes
    mime: Mime
    metadata: Metadata
    jpeg_quality: int | None = None

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        height, width = self.rgb.shape[:2]
        return width, height


def decode(data: bytes, limits: ImageLimits) -> Picture:
    """Decode a file into upright 8-bit sRGB pixels. Alpha is composited on white; of an MPO only the first is read.

    Raises:
        TooLarge: more bytes or pixels than `limits` allow, or decoding took too long.
        Unavailable: too many images are being decoded.
        UnsupportedFormat: not PNG, JPEG, WebP, AVIF or TIFF, or animated, or with several pages.
        BrokenPicture: damaged or truncated.
        UnsupportedPixels: a pixel type with no agreed meaning, such as floating point.
    """
    if not data:
        raise BrokenPicture("the file is empty")
    if len(data) > limits.max_bytes:
        raise TooLarge(f"the file has {len(data):,} bytes, the limit is {limits.max_bytes:,}")
    return _in_time(limits.seconds, partial(_decoded, data, limits))


def _decoded(data: bytes, limits: ImageLimits) -> Picture:
    with _blame_file(), _load(data, limits) as image:
        mime = _MIMES[image.format or ""]
        metadata = _metadata(data, image)
        quality = _jpeg_quality(image)
        rgb = _normalise(image)
    return Picture(frozen(rgb), data, mime, metadata, quality)


def _in_time(seconds: float | None, work: Callable[[], T]) -> T:
    """`work()` within `seconds`. A decoder cannot be stopped: one that is late keeps its slot until it ends."""
    if seconds is None:
        return work()
    if not _DECODER_SLOTS.acquire(timeout=seconds):
        raise Unavailable("too many images are being decoded", hint="Try again.")

    def release_after() -> T:
        try:
            return work()
        finally:
            _DECODER_SLOTS.release()

    try:
        return within(seconds, release_after)
    except TimeoutError as slow:
        raise TooLarge(f"the image could not be decoded within {seconds:g} s") from slow


def selection(data: bytes, limits: ImageLimits) -> NDArray[np.bool_]:
    """The area a mask image selects (bool, H x W): its transparent pixels if it has any, otherwise its white ones.

    The first is OpenAI's convention, the second that of diffusers.

    Raises:
        InputError, Unavailable: as `decode`.
    """
    return _in_time(limits.seconds, partial(_selected, data, limits))


def _selected(data: bytes, limits: ImageLimits) -> NDArray[np.bool_]:
    with _blame_file(), _load(data, limits) as loaded:
        image = _upright(loaded)
        opacity = image.convert("RGBA").getchannel("A") if image.has_transparency_data else None
        if opacity is not None and np.asarray(opacity).min() < _HALF:
            return np.asarray(opacity) < _HALF
        return np.asarray(_to_srgb(_to_8_bit(image), None).convert("L")) >= _HALF


def encode(rgb: NDArray[np.uint8], to: OutputFormat) -> tuple[bytes, Mime]:
    """Encode RGB (uint8, H x W x 3) without metadata. PNG is lossless; JPEG and WebP use quality 92."""
    mime, encoder = _ENCODERS[to]
    return encoder(rgb), mime


def _pillow(rgb: NDArray[np.uint8], name: str, **options: int) -> bytes:
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


_ENCODERS: Mapping[OutputFormat, tuple[Mime, Callable[[NDArray[np.uint8]], bytes]]] = {
    "png": ("image/png", _png),
    "jpeg": ("image/jpeg", partial(_pillow, name="JPEG", quality=92, subsampling=0)),
    "webp": ("image/webp", partial(_pillow, name="WEBP", quality=92, method=4)),
}


def frozen(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A copy over immutable bytes: unlike a cleared write flag, this cannot be undone."""
    return np.frombuffer(np.ascontiguousarray(rgb).tobytes(), np.uint8).reshape(rgb.shape)


def _load(data: bytes, limits: ImageLimits) -> Image.Image:
    """The decoded but not yet converted image."""
    with _blame_file():
        if data.startswith(_JPEG) and data.count(_SCAN) > _MAX_SCANS:
            raise TooLarge(f"the JPEG has more than {_MAX_SCANS} scans")
        image = _opened(data)
        _check_header(image, limits)
        image.load()
        return image


def _opened(data: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(data), formats=_DECODERS)
    except UnidentifiedImageError as unknown:
        if _SIGNATURE.match(data):
            raise BrokenPicture("the file begins like an image but is damaged") from unknown
        raise UnsupportedFormat("the file is not an image in a supported format") from unknown


@contextlib.contextmanager
def _blame_file() -> Iterator[None]:
    """Turn whatever a decoder or conversion raises into an InputError: the file is at fault."""
    try:
        yield
    except InputError:
        raise
    except MemoryError as big:
        raise TooLarge("the image does not fit in memory") from big
    except Exception as damage:
        raise BrokenPicture(f"the file is damaged ({type(damage).__name__})") from damage


def _check_header(image: Image.Image, limits: ImageLimits) -> None:
    pixels = image.width * image.height
    if pixels > limits.max_pixels:
        raise TooLarge(f"the image has {pixels:,} pixels, the limit is {limits.max_pixels:,}")
    if image.format != "MPO" and getattr(image, "is_animated", False):
        raise UnsupportedFormat(
            "the file contains several images", hint="Send one still image: no animation, no multi-page file."
        )


def _normalise(image: Image.Image) -> NDArray[np.uint8]:
    profile = image.info.get("icc_profile")
    return np.asarray(_to_srgb(_to_8_bit(_upright(image)), profile))


def _upright(image: Image.Image) -> Image.Image:
    with contextlib.suppress(Exception):  # broken EXIF has no orientation
        return ImageOps.exif_transpose(image)
    return image


def _to_8_bit(image: Image.Image) -> Image.Image:
    """16-bit grey, which Pillow stores as 16 or 32-bit integers, scaled to 8 bits; 8-bit modes unchanged."""
    if image.mode.startswith("I"):
        values = np.asarray(image)
        if values.min() < 0 or values.max() > np.iinfo(np.uint16).max:
            raise UnsupportedPixels("the image has 32-bit integer pixels")
        return Image.fromarray(np.round(values / 257).astype(np.uint8))
    if image.mode == "F":
        raise UnsupportedPixels("the image has floating-point pixels")
    return image


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """RGB in sRGB. An unusable profile is ignored: viewers show such files as sRGB, too."""
    if image.mode in ("P", "PA", "LA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
    alpha = image.getchannel("A") if image.mode == "RGBA" else None
    colour = image.convert("RGB") if alpha else image
    if profile and colour.mode in ("RGB", "CMYK", "L"):
        with contextlib.suppress(ImageCms.PyCMSError, OSError, ValueError):
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            colour = ImageCms.profileToProfile(colour, source, _SRGB, outputMode="RGB") or colour
    colour = colour.convert("RGB")
    if alpha is None:
        return colour
    return Image.composite(colour, Image.new("RGB", colour.size, _WHITE), alpha)


def _jpeg_quality(image: Image.Image) -> int | None:
    """The libjpeg quality whose scaled standard luminance table has the same mean as the file's."""
    table: list[int] | None = getattr(image, "quantization", {}).get(0)
    if not table:
        return None
    scale = 100 * sum(table) / _STANDARD_LUMINANCE_SUM
    quality = (200 - scale) / 2 if scale <= 100 else 5000 / scale
    return round(min(100, max(1, quality)))


def _metadata(data: bytes, image: Image.Image) -> Metadata:
    """The file's metadata, with text in the alpha channel."""

    def alpha(columns: int) -> NDArray[np.uint8]:
        return np.asarray(image.crop((0, 0, min(columns, image.width), image.height)).getchannel("A"))

    return read(data, alpha if image.mode == "RGBA" else None, image.height)
