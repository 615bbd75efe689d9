"""Whether an image shows a part of another one, of which only the PDQ hash is known.

The 256 bits of a PDQ hash are the signs of the image's lowest frequencies (16 x 16 of a cosine transform, without the
constant). Signs alone give a rough sketch of the image back: A. V. Oppenheim, J. S. Lim, "The importance of phase in
signals", Proc. IEEE 69, 1981. A crop is compared with its place in that sketch.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

SIDE: Final = 64
"""Samples along a side of the sketch, whatever the aspect of the image: PDQ squeezes every image to a square."""
_ORDERS: Final = 16
LEAST_SHARE: Final = 0.05
"""Share of the image below which a part says nothing."""
_CLIP: Final = 2.0
"""Standard deviations at which samples are clipped: one strong edge must not decide."""


def sketch(bits: bytes) -> NDArray[np.float32]:
    """The image that has the signs in `bits` (a PDQ hash) and even amplitudes: float32[64, 64], RMS 1."""
    signs = 2.0 * np.unpackbits(np.frombuffer(bits, np.uint8)).reshape(_ORDERS, _ORDERS)[::-1, ::-1] - 1.0
    return _even(_COSINES @ signs @ _COSINES.T)


def agreement(part: NDArray[np.float32], mask: NDArray[np.float32], bits: bytes) -> float:
    """How well `part` fits the image with the PDQ hash `bits`, in standard deviations of what unrelated images reach.

    `part`: float32[64, 64], the luma at its place in the frame of that image, squeezed to a square. `mask`: as large, 1
    where `part` is known and 0 elsewhere. Unrelated images lie around 0; 0 also if less than a twentieth is known.
    """
    share = float(mask.mean())
    if share < LEAST_SHARE:
        return 0.0
    known = part * mask + (1 - mask) * float((part * mask).sum() / mask.sum())
    coefficients = _COSINES.T @ known @ _COSINES
    detail = _even(_COSINES @ (coefficients * _RISING) @ _COSINES.T)
    seen, expected = np.clip(detail, -_CLIP, _CLIP) * mask, sketch(bits) * mask
    size = float(np.sqrt(np.square(seen).sum() * np.square(expected).sum())) + 1e-9
    return float((seen * expected).sum()) / size * float(np.sqrt(_ORDERS * _ORDERS * share))


def _even(image: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.asarray(image / (np.sqrt(np.mean(image**2)) + 1e-9), np.float32)


_ANGLES: Final = np.pi / (2 * SIDE) * np.outer(2 * np.arange(SIDE) + 1, np.arange(1, _ORDERS + 1))
_COSINES: Final = np.sqrt(2 / SIDE) * np.cos(_ANGLES)
_RISING: Final = np.hypot(np.arange(1, _ORDERS + 1)[:, None], np.arange(1, _ORDERS + 1))
"""Undoes the usual fall of an image's amplitudes with frequency."""
