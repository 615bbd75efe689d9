"""A keyed sign for every place of an image, from what the image shows around it.

Format two multiplies its message by these signs. The reader computes them again from the image in front of it, so a
mark that was carried to another picture meets other signs there and cancels itself. They are keyed: without the key
nobody can turn the signs of one picture into those of another.

Each sign says whether a weighted sum of the smoothed luma around the place is low. Such sums hardly change under
compression, noise, blur or another tone curve, and crops change them only near the new edge. Where the picture is flat
the sign is +1, so that faint noise does not decide.
"""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from watermark.tile.keystream import KeyStream

_CELL: Final = 4
"""Samples of the canonical image per cell in which the sums are computed."""
_REACH: Final = 5
"""The kernel has 2 * 5 + 1 cells a side: it sees a square of 44 samples, less than a tile."""
_WINDOW_SIGMA: Final = 1.5
_SMOOTH_SIGMA: Final = 0.8
"""Sigma of the kernel's window and of its own smoothness, in cells. Wider ones lose more of a crop at its new edges."""
_LOW: Final = -2.5
"""The sum, a difference of two weighted means in grey levels, below which the sign is -1."""


class ContentSigns:
    """The signs under one key."""

    def __init__(self, key: bytes) -> None:
        side = 2 * _REACH + 1
        rough = KeyStream(key, b"content").fractions(side * side).reshape(side, side) - 0.5
        smooth = cv2.GaussianBlur(rough.astype(np.float32), (0, 0), _SMOOTH_SIGMA)
        place = np.arange(-_REACH, _REACH + 1)
        window = np.exp(-(place[:, None] ** 2 + place**2) / (2 * _WINDOW_SIGMA**2))
        kernel = window * (smooth - np.average(smooth, weights=window))
        self._kernel = (2 * kernel / np.abs(kernel).sum()).astype(np.float32)

    def of(self, luma: NDArray[np.float32]) -> NDArray[np.float32]:
        """+1 or -1 at each sample of `luma` (float32[h, w] of canonical scale, in [0, 255]): float32[h, w]."""
        high, wide = (max(1, round(side / _CELL)) for side in luma.shape)
        small = cv2.resize(luma, (wide, high), interpolation=cv2.INTER_AREA)
        sums = cv2.filter2D(small, cv2.CV_32F, self._kernel, borderType=cv2.BORDER_REPLICATE)
        wider = cv2.resize(sums, luma.shape[::-1], interpolation=cv2.INTER_LINEAR)
        return np.where(wider < _LOW, np.float32(-1), np.float32(1))
