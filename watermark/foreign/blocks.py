"""Bits in the blocks of an image, as the package invisible-watermark hides them with its methods dwtDct and dwtDctSvd.

Both change the U channel, halved by a Haar transform, in blocks of 4 x 4: dwtDct its largest coefficient beside the
first, dwtDctSvd its largest singular value. A bit is the half of a step in which that value lies. The package reads the
same bits one block at a time, and imports torch. Source: https://github.com/ShieldMnt/invisible-watermark (MIT).
"""

from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

BlockMethod = Literal["dwtDct", "dwtDctSvd"]

SIDE = 8
"""Side in pixels of the part of an image that carries one bit."""
_HALF = SIDE // 2
_STEP = 36.0


def block_bits(bgr: NDArray[np.uint8], method: BlockMethod) -> NDArray[np.float64]:
    """The bit of each block of `bgr` (uint8[H, W, 3]), 0 or 1: float64[(H // 8) * (W // 8)], row by row."""
    rows, columns = bgr.shape[0] // SIDE, bgr.shape[1] // SIDE
    part = np.ascontiguousarray(bgr[: rows * SIDE, : columns * SIDE])
    if not part.size:
        return np.zeros(0)
    u = cv2.cvtColor(part, cv2.COLOR_BGR2YUV)[..., 1].astype(np.float64)
    halved = (u[::2, ::2] + u[::2, 1::2] + u[1::2, ::2] + u[1::2, 1::2]) / 2
    blocks = halved.reshape(rows, _HALF, columns, _HALF).swapaxes(1, 2).reshape(-1, _HALF, _HALF)
    values = _largest_coefficient(blocks) if method == "dwtDct" else np.linalg.svd(blocks, compute_uv=False)[:, 0]
    return np.asarray(values % _STEP > _STEP / 2, dtype=np.float64)


def _largest_coefficient(blocks: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.abs(blocks.reshape(len(blocks), -1)[:, 1:]).max(axis=1), dtype=np.float64)
