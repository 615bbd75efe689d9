"""Degradations that images undergo online: augmentation for training, and the degraded condition of evaluation."""

from __future__ import annotations

import random

import cv2
import numpy as np
from numpy.typing import NDArray

RGB = NDArray[np.uint8]
_FILTERS = (cv2.INTER_AREA, cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4)


def recompress(rgb: RGB, quality: int, ending: str = ".jpg") -> RGB:
    """Encode as JPEG or WebP with `quality` (1..100) and decode again."""
    flag = cv2.IMWRITE_JPEG_QUALITY if ending == ".jpg" else cv2.IMWRITE_WEBP_QUALITY
    _, data = cv2.imencode(ending, np.ascontiguousarray(rgb[..., ::-1]), [flag, quality])
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert decoded is not None  # it was encoded a line ago
    return np.ascontiguousarray(decoded[..., ::-1], np.uint8)


def resize(rgb: RGB, size: int, interpolation: int) -> RGB:
    """Resize a square image to `size` x `size`."""
    return np.asarray(cv2.resize(rgb, (size, size), interpolation=interpolation), np.uint8)


def as_posted(rgb: RGB) -> RGB:
    """The degraded condition: a platform's smaller copy (800 px to 512 px) at JPEG quality 75."""
    return recompress(resize(rgb, round(rgb.shape[0] * 0.64), cv2.INTER_AREA), 75)


def augment_crop(rgb: RGB, size: int, rng: random.Random) -> RGB:
    """A random `size` px crop with random degradations, from the same distribution for both classes."""
    scale = rng.uniform(0.5, 1.25) if rng.random() < 0.55 else 1.0
    side = min(round(size / scale), rgb.shape[0])
    y, x = rng.randint(0, rgb.shape[0] - side), rng.randint(0, rgb.shape[1] - side)
    out = rgb[y : y + side, x : x + side]
    if side != size:
        out = resize(out, size, rng.choice(_FILTERS))
    if rng.random() < 0.5:
        out = out[:, ::-1]
    return _compress(_tone(_blur_or_noise(out, rng), rng), rng, 0.6)


def augment_view(rgb: RGB, rng: random.Random) -> RGB:
    """A crop of most of the image, resized by .5 to 1.3 and recompressed: a view for the encoder."""
    side = rng.randint(int(rgb.shape[0] * 0.65), rgb.shape[0])
    y, x = rng.randint(0, rgb.shape[0] - side), rng.randint(0, rgb.shape[1] - side)
    out = rgb[y : y + side, x : x + side]
    if rng.random() < 0.7:
        out = resize(out, round(side * rng.uniform(0.5, 1.3)), rng.choice(_FILTERS))
    if rng.random() < 0.5:
        out = out[:, ::-1]
    return _compress(out, rng, 0.8)


def _blur_or_noise(rgb: RGB, rng: random.Random) -> RGB:
    kind = rng.random()
    if kind < 0.08:
        return np.asarray(cv2.GaussianBlur(np.ascontiguousarray(rgb), (0, 0), rng.uniform(0.3, 1.3)), np.uint8)
    if kind < 0.14:
        noise = np.random.default_rng(rng.getrandbits(32)).normal(0, rng.uniform(1, 6), rgb.shape)
        return (rgb + noise).clip(0, 255).astype(np.uint8)
    return rgb


def _tone(rgb: RGB, rng: random.Random) -> RGB:
    if rng.random() < 0.15:
        rgb = (rgb * rng.uniform(0.75, 1.25) + rng.uniform(-15, 15)).clip(0, 255).astype(np.uint8)
    if rng.random() < 0.04:
        grey = cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2GRAY)
        rgb = np.repeat(grey[..., None], 3, axis=2)
    return rgb


def _compress(rgb: RGB, rng: random.Random, share: float) -> RGB:
    """Apply JPEG or WebP compression, with probability `share`."""
    if rng.random() >= share:
        return np.ascontiguousarray(rgb)
    if rng.random() < 0.8:
        return recompress(rgb, rng.randint(45, 97))
    return recompress(rgb, rng.randint(45, 95), ".webp")
