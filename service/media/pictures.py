"""Bytes to Picture and back: the one decoder. Whatever else reads pixels got them from here.

Order of the checks: bytes, format by content, header (pixels, frames), decoding, pixel form. Nothing is
decoded before the header passed, and formats are an allowlist by decoder, never by file name.
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
from PIL import ExifTags, Image, ImageCms, ImageOps, UnidentifiedImageError

from detectors.declared.metadata import Metadata
from service.kit.deadline import within
from service.kit.errors import BrokenPicture, InputError, TooLarge, Unavailable, UnsupportedFormat, UnsupportedPixels
from service.kit.settings import Settings

T = TypeVar("T")

Mime = Literal["image/png", "image/jpeg", "image/webp", "image/avif", "image/tiff"]
OutputFormat = Literal["png", "jpeg", "webp"]

# MPO is what phones write for portrait and HDR shots: a JPEG with more JPEGs behind it. Its first is the picture.
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
_LONGEST_TEXT = 100_000
_JPEG, _SCAN = b"\xff\xd8\xff", b"\xff\xda"
_PLACES = threading.BoundedSemaphore(16)  # decoders that run at once, late ones too
_MOST_SCANS = 64  # progressive encoders write about ten; embedded previews have some of their own
_STANDARD_LUMINANCE_SUM = 3688  # of ITU-T T.81's table K.1, libjpeg's quality 50
_EXIF_TAGS = (ExifTags.Base.Make, ExifTags.Base.Model, ExifTags.Base.Software)

# How the formats begin; a file that does and still cannot be opened is damaged, not of another kind.
_SIGNATURE = re.compile(rb"\x89PNG\r\n\x1a\n|\xff\xd8\xff|RIFF....WEBP|....ftypavi[fs]|II\*\0|MM\0\*", re.DOTALL)

# Our own header check comes before any decoding and has its own limit; these two are process-wide.
Image.MAX_IMAGE_PIXELS = None
warnings.filterwarnings("ignore", module=r"PIL\.")


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """Caps that hold before anything is decoded, and the seconds that decoding may take (None: any)."""

    max_bytes: int
    max_pixels: int
    seconds: float | None = None


def limits_of(settings: Settings) -> ImageLimits:
    """The operator's limits."""
    return ImageLimits(settings.max_bytes, settings.max_pixels, settings.decode_timeout)


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A decoded file: upright sRGB pixels (read-only uint8, H x W x 3) and what came with them.

    `jpeg_quality` (1..100, as libjpeg counts) is told by the quantisation table; None for other formats.
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
    """Decode a file into upright 8-bit sRGB pixels; alpha is laid on white, only the first of an MPO is read.

    Raises:
        TooLarge: more bytes, pixels or seconds than `limits` allow.
        Unavailable: too many pictures are being decoded.
        UnsupportedFormat: not PNG, JPEG, WebP, AVIF or TIFF, or animated, or with several pages.
        BrokenPicture: damaged or cut off.
        UnsupportedPixels: a pixel form with no agreed meaning, such as floating point.
    """
    if not data:
        raise BrokenPicture("the file is empty")
    if len(data) > limits.max_bytes:
        raise TooLarge(f"the file has {len(data):,} bytes, the limit is {limits.max_bytes:,}")
    return _in_time(limits.seconds, partial(_decoded, data, limits))


def _decoded(data: bytes, limits: ImageLimits) -> Picture:
    with _file_to_blame(), _load(data, limits) as image:
        mime = _MIMES[image.format or ""]
        metadata = _metadata(image)
        quality = _jpeg_quality(image)
        rgb = _normalise(image)
    return Picture(frozen(rgb), data, mime, metadata, quality)


def _in_time(seconds: float | None, work: Callable[[], T]) -> T:
    """`work()` within `seconds`. A decoder cannot be stopped: one that is late keeps its place until it ends."""
    if seconds is None:
        return work()
    if not _PLACES.acquire(timeout=seconds):
        raise Unavailable("too many pictures are being decoded", hint="Try again.")

    def placed() -> T:
        try:
            return work()
        finally:
            _PLACES.release()

    try:
        return within(seconds, placed)
    except TimeoutError as slow:
        raise TooLarge(f"the picture could not be decoded within {seconds:g} s") from slow


def selection(data: bytes, limits: ImageLimits) -> NDArray[np.bool_]:
    """Where a mask (H x W) selects: its transparent pixels, where it has any, else its white ones.

    The first is OpenAI's convention, the second diffusers'.

    Raises:
        InputError, Unavailable: as `decode`.
    """
    return _in_time(limits.seconds, partial(_selected, data, limits))


def _selected(data: bytes, limits: ImageLimits) -> NDArray[np.bool_]:
    with _file_to_blame(), _load(data, limits) as loaded:
        image = _upright(loaded)
        opacity = image.convert("RGBA").getchannel("A") if image.has_transparency_data else None
        if opacity is not None and np.asarray(opacity).min() < _HALF:
            return np.asarray(opacity) < _HALF
        return np.asarray(_to_srgb(_to_8_bit(image), None).convert("L")) >= _HALF


def encode(rgb: NDArray[np.uint8], to: OutputFormat) -> tuple[bytes, Mime]:
    """Encode RGB (uint8, H x W x 3) without any metadata; PNG is lossless, JPEG and WebP have quality 92."""
    mime, written = _ENCODERS[to]
    return written(rgb), mime


def _by_pillow(rgb: NDArray[np.uint8], name: str, **options: int) -> bytes:
    out = io.BytesIO()
    Image.fromarray(rgb).save(out, name, **options)
    return out.getvalue()


def _png(rgb: NDArray[np.uint8]) -> bytes:
    """By OpenCV's own settings, one filter, runs and Huffman codes: about half of the time of Pillow's quickest for
    photographs of the same size. A mark is fine grain, in which longer matches are hardly ever found."""
    written, coded = cv2.imencode(".png", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
    if not written:
        raise ValueError(f"pixels of shape {rgb.shape} cannot be written as PNG")
    return coded.tobytes()


_ENCODERS: Mapping[OutputFormat, tuple[Mime, Callable[[NDArray[np.uint8]], bytes]]] = {
    "png": ("image/png", _png),
    "jpeg": ("image/jpeg", partial(_by_pillow, name="JPEG", quality=92, subsampling=0)),
    "webp": ("image/webp", partial(_by_pillow, name="WEBP", quality=92, method=4)),
}


def frozen(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A copy over immutable bytes: unlike an array with its write flag cleared, nobody can thaw it."""
    return np.frombuffer(np.ascontiguousarray(rgb).tobytes(), np.uint8).reshape(rgb.shape)


def _load(data: bytes, limits: ImageLimits) -> Image.Image:
    """The file's pixels as its decoder gives them."""
    with _file_to_blame():
        if data.startswith(_JPEG) and data.count(_SCAN) > _MOST_SCANS:
            raise TooLarge(f"the JPEG has more than {_MOST_SCANS} scans")
        image = _opened(data)
        _check_header(image, limits)
        image.load()
        return image


def _opened(data: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(data), formats=_DECODERS)
    except UnidentifiedImageError as unknown:
        if _SIGNATURE.match(data):
            raise BrokenPicture("the file starts like a picture and is damaged") from unknown
        raise UnsupportedFormat("the file is not a picture in a format that is read here") from unknown


@contextlib.contextmanager
def _file_to_blame() -> Iterator[None]:
    """Whatever a decoder or a conversion raises inside, the file is to blame."""
    try:
        yield
    except InputError:
        raise
    except MemoryError as big:
        raise TooLarge("the picture does not fit in memory") from big
    except Exception as damage:
        raise BrokenPicture(f"the file is damaged ({type(damage).__name__})") from damage


def _check_header(image: Image.Image, limits: ImageLimits) -> None:
    pixels = image.width * image.height
    if pixels > limits.max_pixels:
        raise TooLarge(f"the picture has {pixels:,} pixels, the limit is {limits.max_pixels:,}")
    if image.format != "MPO" and getattr(image, "is_animated", False):
        raise UnsupportedFormat(
            "the file holds several pictures", hint="Send one still picture: no animation, no multi-page file."
        )


def _normalise(image: Image.Image) -> NDArray[np.uint8]:
    profile = image.info.get("icc_profile")
    return np.asarray(_to_srgb(_to_8_bit(_upright(image)), profile))


def _upright(image: Image.Image) -> Image.Image:
    with contextlib.suppress(Exception):  # broken EXIF has no orientation to obey
        return ImageOps.exif_transpose(image)
    return image


def _to_8_bit(image: Image.Image) -> Image.Image:
    """16-bit grey, which Pillow keeps in 16 or 32-bit integers, scaled to 8 bits; other 8-bit modes as they are."""
    if image.mode.startswith("I"):
        values = np.asarray(image)
        if values.min() < 0 or values.max() > np.iinfo(np.uint16).max:
            raise UnsupportedPixels("the picture has 32-bit integer pixels")
        return Image.fromarray(np.round(values / 257).astype(np.uint8))
    if image.mode == "F":
        raise UnsupportedPixels("the picture has floating-point pixels")
    return image


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """RGB in sRGB. A profile that cannot be used is passed over: viewers show such files as sRGB, too."""
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
    """The quality whose luminance table has the file's mean step, by libjpeg's scaling of the standard table."""
    table: list[int] | None = getattr(image, "quantization", {}).get(0)
    if not table:
        return None
    scale = 100 * sum(table) / _STANDARD_LUMINANCE_SUM
    quality = (200 - scale) / 2 if scale <= 100 else 5000 / scale
    return round(min(100, max(1, quality)))


def _metadata(image: Image.Image) -> Metadata:
    text = {
        str(key): str(value)[:_LONGEST_TEXT]
        for key, value in {**image.info, **getattr(image, "text", {})}.items()
        if isinstance(value, str)
    }
    xmp = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or b""
    exif: dict[int, str] = {}
    with contextlib.suppress(Exception):  # broken EXIF is common and says nothing about the pixels
        tags = image.getexif()
        exif = {int(tag): str(tags[tag])[:_LONGEST_TEXT].strip("\0 ") for tag in _EXIF_TAGS if tag in tags}
    packet = xmp.decode("utf-8", "replace") if isinstance(xmp, bytes) else str(xmp)
    return Metadata(text, packet[:_LONGEST_TEXT], exif)
