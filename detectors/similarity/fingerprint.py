"""The perceptual hash that images are compared by: PDQ, packed, with its quality."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.similarity.pdq import Bits, pdq

LONGEST_SIDE = 1024
"""px; longer sides are reduced to this before hashing, as PDQ's authors do. The hash of a large
image changes by 2 to 6 of its 256 bits."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A PDQ hash: `bits` (32 bytes) and the hash's own `quality`, 0 (featureless) to 100."""

    bits: bytes
    quality: int


def fingerprint(rgb: NDArray[np.uint8]) -> Fingerprint:
    """The PDQ hash of an RGB image (uint8, H x W x 3). It survives JPEG and resizing, not crops or flips."""
    return packed(*pdq(bounded(rgb)))


def packed(bits: Bits, quality: int) -> Fingerprint:
    """A hash in 32 bytes."""
    return Fingerprint(np.packbits(bits).tobytes(), quality)


def bounded(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The image, each side reduced to LONGEST_SIDE if it is longer; PDQ squeezes every image to a square anyway."""
    height, width = (min(side, LONGEST_SIDE) for side in rgb.shape[:2])
    if (height, width) == rgb.shape[:2]:
        return rgb
    return np.asarray(cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def distance(a: bytes, b: bytes) -> int:
    """Hamming distance of two packed hashes, 0 to 256; unrelated images lie around 128."""
    return (int.from_bytes(a, "big") ^ int.from_bytes(b, "big")).bit_count()
