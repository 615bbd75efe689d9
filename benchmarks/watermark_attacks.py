"""What happens to images as they are shared and edited: the attacks of the watermark benchmark, by name."""

import io
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

Rgb = NDArray[np.uint8]
Attack = Callable[[Rgb, np.random.Generator], Rgb]


def encoded(rgb: Rgb, kind: str, **options: int) -> Rgb:
    """The image after encoding as `kind` and decoding."""
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, kind, **options)
    return np.asarray(Image.open(buffer).convert("RGB"))


def jpeg(rgb: Rgb, quality: int) -> Rgb:
    return encoded(rgb, "JPEG", quality=quality)


def sized(rgb: Rgb, width: int, height: int) -> Rgb:
    shrinks = height < rgb.shape[0]
    method = Image.Resampling.LANCZOS if shrinks else Image.Resampling.BICUBIC
    return np.asarray(Image.fromarray(rgb).resize((width, height), method))


def scaled(rgb: Rgb, factor: float) -> Rgb:
    return sized(rgb, round(rgb.shape[1] * factor), round(rgb.shape[0] * factor))


def resized_and_restored(rgb: Rgb, factor: float) -> Rgb:
    return sized(scaled(rgb, factor), rgb.shape[1], rgb.shape[0])


def cropped(rgb: Rgb, area: float, rng: np.random.Generator, log_aspect: float = 0.0) -> Rgb:
    aspect = float(np.exp(rng.uniform(-log_aspect, log_aspect)))
    height = min(rgb.shape[0], round(rgb.shape[0] * area**0.5 * aspect))
    width = min(rgb.shape[1], round(rgb.shape[1] * area**0.5 / aspect))
    top, left = rng.integers(rgb.shape[0] - height + 1), rng.integers(rgb.shape[1] - width + 1)
    return rgb[top : top + height, left : left + width].copy()


def rotated(rgb: Rgb, degrees: float, area: float = 1.0) -> Rgb:
    """Rotated within its frame, with black corners, then cropped to the central share `area`."""
    return centre(np.asarray(Image.fromarray(rgb).rotate(degrees, Image.Resampling.BICUBIC)), area)


def blurred(rgb: Rgb, radius: float) -> Rgb:
    return np.asarray(Image.fromarray(rgb).filter(ImageFilter.GaussianBlur(radius)))


def clipped(values: NDArray[np.floating]) -> Rgb:
    result: Rgb = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return result


def contrast(rgb: Rgb, factor: float) -> Rgb:
    return clipped((rgb - rgb.mean()) * factor + rgb.mean())


def gamma(rgb: Rgb, exponent: float) -> Rgb:
    return clipped(255 * (rgb / 255) ** exponent)


def grey(rgb: Rgb) -> Rgb:
    return np.repeat(np.asarray(Image.fromarray(rgb).convert("L"))[..., None], 3, axis=2)


def equalised(rgb: Rgb) -> Rgb:
    """With an equalised luma histogram."""
    planes = cv2.cvtColor(rgb, cv2.COLOR_RGB2YCrCb)
    planes[..., 0] = cv2.equalizeHist(planes[..., 0])
    return np.asarray(cv2.cvtColor(planes, cv2.COLOR_YCrCb2RGB), dtype=np.uint8)


def pasted_over(rgb: Rgb) -> Rgb:
    """30 % of the area covered by one plain rectangle."""
    covered = rgb.copy()
    height, width = rgb.shape[:2]
    covered[height // 5 : height // 5 + round(height * 0.55), width // 5 : width // 5 + round(width * 0.55)] = 200
    return covered


def social(rgb: Rgb) -> Rgb:
    """What social networks do: long side of at most 1080 pixels, JPEG 70."""
    return jpeg(scaled(rgb, min(1.0, 1080 / max(rgb.shape[:2]))), 70)


def centre(rgb: Rgb, area: float) -> Rgb:
    high, wide = (round(side * area**0.5) for side in rgb.shape[:2])
    top, left = (rgb.shape[0] - high) // 2, (rgb.shape[1] - wide) // 2
    return rgb[top : top + high, left : left + wide].copy()


def squeezed(rgb: Rgb, aspect: float) -> Rgb:
    """With the ratio of width to height times `aspect`. One side is shortened; nothing is enlarged."""
    wide, high = (aspect, 1.0) if aspect < 1 else (1.0, 1 / aspect)
    return sized(rgb, round(rgb.shape[1] * wide), round(rgb.shape[0] * high))


ATTACKS: dict[str, Attack] = {
    "none": lambda x, r: x,
    "PNG": lambda x, r: encoded(x, "PNG"),
    "JPEG 90": lambda x, r: jpeg(x, 90),
    "JPEG 75": lambda x, r: jpeg(x, 75),
    "JPEG 50": lambda x, r: jpeg(x, 50),
    "JPEG 30": lambda x, r: jpeg(x, 30),
    "JPEG 15": lambda x, r: jpeg(x, 15),
    "WebP 80": lambda x, r: encoded(x, "WEBP", quality=80),
    "AVIF 60": lambda x, r: encoded(x, "AVIF", quality=60),
    "resize .25": lambda x, r: scaled(x, 0.25),
    "resize .5": lambda x, r: scaled(x, 0.5),
    "resize .75": lambda x, r: scaled(x, 0.75),
    "resize 1.5": lambda x, r: scaled(x, 1.5),
    "resize .25 and back": lambda x, r: resized_and_restored(x, 0.25),
    "resize .5 and back": lambda x, r: resized_and_restored(x, 0.5),
    "resize 1.5 and back": lambda x, r: resized_and_restored(x, 1.5),
    "resize .5, JPEG 70": lambda x, r: jpeg(scaled(x, 0.5), 70),
    "social (1080, JPEG 70)": lambda x, r: social(x),
    "screenshot (.73, gamma, JPEG 80)": lambda x, r: jpeg(gamma(scaled(x, 0.73), 1.1), 80),
    "crop to 75 %": lambda x, r: cropped(x, 0.75, r),
    "crop to 50 %": lambda x, r: cropped(x, 0.5, r),
    "crop to 25 %": lambda x, r: cropped(x, 0.25, r),
    "crop to 15 %": lambda x, r: cropped(x, 0.15, r),
    "crop to 50 %, aspect, JPEG 80": lambda x, r: jpeg(cropped(x, 0.5, r, 0.3), 80),
    "rotate 2": lambda x, r: rotated(x, 2),
    "rotate 5": lambda x, r: rotated(x, 5),
    "rotate 3, crop to 64 %, JPEG 75": lambda x, r: jpeg(rotated(x, 3, 0.64), 75),
    "rotate 7, crop to 64 %": lambda x, r: rotated(x, 7, 0.64),
    "rotate 90": lambda x, r: np.rot90(x).copy(),
    "rotate 180": lambda x, r: x[::-1, ::-1].copy(),
    "flip": lambda x, r: x[:, ::-1].copy(),
    "flip, top down": lambda x, r: x[::-1].copy(),
    "aspect .75": lambda x, r: squeezed(x, 0.75),
    "aspect .9": lambda x, r: squeezed(x, 0.9),
    "aspect 1.33": lambda x, r: squeezed(x, 4 / 3),
    "letterbox": lambda x, r: np.pad(x, ((len(x) // 8,) * 2, (0, 0), (0, 0))),
    "border on all sides": lambda x, r: np.pad(x, ((len(x) // 8,) * 2, (x.shape[1] // 8,) * 2, (0, 0))),
    "brightness +20 %": lambda x, r: clipped(x * 1.2),
    "brightness -20 %": lambda x, r: clipped(x * 0.8),
    "contrast +20 %": lambda x, r: contrast(x, 1.2),
    "contrast -20 %": lambda x, r: contrast(x, 0.8),
    "gamma .7": lambda x, r: gamma(x, 0.7),
    "gamma 1.5": lambda x, r: gamma(x, 1.5),
    "histogram equalised": lambda x, r: equalised(x),
    "grayscale": lambda x, r: grey(x),
    "noise 5": lambda x, r: clipped(x + r.normal(0, 5, x.shape)),
    "noise 10": lambda x, r: clipped(x + r.normal(0, 10, x.shape)),
    "blur 1": lambda x, r: blurred(x, 1),
    "blur 2": lambda x, r: blurred(x, 2),
    "median 5": lambda x, r: cv2.medianBlur(x, 5),
    "30 % pasted over": lambda x, r: pasted_over(x),
}
