"""Perceptual hash: PDQ, the 256-bit hash of ThreatExchange
(https://github.com/facebook/ThreatExchange/tree/main/pdq)."""

from dataclasses import dataclass

import numpy as np
import pdqhash
from numpy.typing import NDArray

BITS = 256


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A PDQ hash: `bits` (32 bytes) and the hash's own `quality`, 0 (featureless) to 100."""

    bits: bytes
    quality: int


def fingerprint(rgb: NDArray[np.uint8]) -> Fingerprint:
    """The PDQ hash of an RGB image (uint8, H x W x 3). It survives JPEG and resizing, not crops or flips."""
    bits, quality = pdqhash.compute(np.ascontiguousarray(rgb))
    return Fingerprint(np.packbits(bits.astype(bool)).tobytes(), int(quality))


def distance(a: bytes, b: bytes) -> int:
    """Hamming distance of two packed hashes, 0 to 256; unrelated pictures lie around 128."""
    return (int.from_bytes(a, "big") ^ int.from_bytes(b, "big")).bit_count()
