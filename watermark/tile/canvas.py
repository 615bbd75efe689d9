"""From an RGB image to the small, locally normalised luma used for both embedding and reading."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from watermark.tile.pattern import TILE

SHORT_SIDE: Final = 256
"""Short side of the canonical image, in samples: four tiles, whatever the size of the image."""
SMALL_SHORT_SIDE: Final = 160
"""The same for small images: two and a half tiles, so that the mark's finest detail spans enough pixels to survive
halving the image and JPEG. Fewer, larger tiles would be lost in the coarse detail of busy photographs."""
SMALL_BELOW: Final = 400
"""Short side, in pixels, below which an image counts as small."""

_LOCAL_MEAN_SIGMA: Final = 2.0
_CONTRAST_SIGMA: Final = 1.5
_CONTRAST_FLOOR: Final = 0.8
"""Grey levels added to the local contrast, so that flat areas are not amplified to pure coding noise."""
_CLOSE_SIGMA: Final = 1.0
_HIGH_FLOOR: Final = 3.0
"""The same after strong JPEG, which leaves blocks and hardly any mark in flat areas."""
_CLIP: Final = 1.3
"""Normalised samples are clipped here: edges must not outweigh flat areas."""

_PRESHRINK_SIDE: Final = 2048
"""Short side above which luma is first reduced in 8 bits, to limit memory for very large images."""


def canonical_side(short_side: int) -> int:
    """Short side, in samples, of the canonical image for one of `short_side` pixels."""
    return SMALL_SHORT_SIDE if short_side < SMALL_BELOW else SHORT_SIDE


def luma(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Rec. 601 luma of `rgb` (uint8[H, W, 3]) in [0, 255]: float32[h, w], reduced if the image is very large."""
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    factor = min(grey.shape) // (_PRESHRINK_SIDE // 2)
    if factor >= 2:
        grey = cv2.resize(grey, (grey.shape[1] // factor, grey.shape[0] // factor), interpolation=cv2.INTER_AREA)
    return np.asarray(grey, dtype=np.float32)


def resized(image: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    """Resize `image`: area averaging when it shrinks, cubic interpolation when it grows."""
    if image.shape == (height, width):
        return image
    shrinks = height < image.shape[0]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, (width, height), interpolation=method), dtype=np.float32)


def scaled(image: NDArray[np.float32], factor: float) -> NDArray[np.float32]:
    """Resize both sides of `image` by `factor`, to at least one sample each."""
    height, width = (max(1, round(side * factor)) for side in image.shape)
    return resized(image, height, width)


def whitened(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """`image` minus its local mean, divided by its local contrast, clipped: float32, same shape, in [-1.3, 1.3].

    The result resembles noise of even strength, in which the mark is easiest to detect.
    """
    return _level(*_detail_and_contrast(image))


def whitened_for_jpeg(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """As `whitened`, for images after strong JPEG: flat areas count less, and contrast is measured more locally."""
    return _level(*_detail_and_contrast(image, _CLOSE_SIGMA, _HIGH_FLOOR))


def contrast_weighted(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """As `whitened`, with busy areas attenuated further by the root of their contrast: float32, same shape.

    Whitening makes the image's own noise even, but not the mark: its amplitude grows far less than the contrast, so
    calm areas hold most of it. The optimal weights would divide by contrast squared; but strong JPEG removes the mark
    from calm areas first, so the search goes half of the way. Unchanged images are read `whitened`.
    """
    detail, contrast = _detail_and_contrast(image)
    return np.asarray(_level(detail, contrast) / np.sqrt(contrast), dtype=np.float32)


def calm_weighted(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """As `whitened`, divided by the contrast once more: the best weights for images that were not compressed hard."""
    detail, contrast = _detail_and_contrast(image)
    return np.asarray(_level(detail, contrast) / contrast, dtype=np.float32)


def local_contrast(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """The divisor of `whitened`: RMS of the detail around each sample, in grey levels, float32 of the same shape."""
    return _detail_and_contrast(image)[1]


def _detail_and_contrast(
    image: NDArray[np.float32], sigma: float = _CONTRAST_SIGMA, floor: float = _CONTRAST_FLOOR
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    detail = image - cv2.GaussianBlur(image, (0, 0), _LOCAL_MEAN_SIGMA)
    contrast = np.sqrt(cv2.GaussianBlur(detail * detail, (0, 0), sigma)) + np.float32(floor)
    return np.asarray(detail, dtype=np.float32), np.asarray(contrast, dtype=np.float32)


def _level(detail: NDArray[np.float32], contrast: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(np.clip(detail / contrast, -_CLIP, _CLIP), dtype=np.float32)


def folded(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """The sum of all tiles of `image`, the last ones padded with zeros: float32[64, 64]."""
    rows, columns = (-(-side // TILE) for side in image.shape)
    padded = np.zeros((rows * TILE, columns * TILE), np.float32)
    padded[: image.shape[0], : image.shape[1]] = image
    return np.asarray(padded.reshape(rows, TILE, columns, TILE).sum(axis=(0, 2)), dtype=np.float32)
