"""Normally distributed noise, the same as torch's CPU generator gives for a seed.

So a seed gives the same image as in diffusers. torch draws 32 bits at a time from a Mersenne Twister (MT19937, seeded
as `numpy.random.RandomState` seeds it), takes the lower 24 as a uniform number, and turns blocks of 16 of them into
normal ones with the Box-Muller transform (aten/src/ATen/native/cpu/DistributionTemplates.h, `normal_fill`).
"""

import math

import numpy as np
from numpy.typing import NDArray

BLOCK = 16
"""torch draws fewer numbers than this, and what is left over a multiple of it, in other ways."""


class Noise:
    """The noise for one image; each call continues where the one before ended."""

    def __init__(self, seed: int) -> None:
        """`seed`: like torch, only its lower 32 bits count."""
        self._bits = np.random.RandomState(seed & 0xFFFFFFFF)

    def normal(self, *shape: int) -> NDArray[np.float32]:
        """Standard normal numbers, float32, as torch.randn(shape) to a rounding error.

        Raises:
            ValueError: their number is not a multiple of 16.
        """
        size = math.prod(shape)
        if size % BLOCK:
            raise ValueError(f"a shape of {size} values is not a multiple of {BLOCK}")
        drawn = np.frombuffer(self._bits.bytes(4 * size), "<u4") & 0xFFFFFF
        uniform = (drawn.astype(np.float32) / np.float32(1 << 24)).reshape(-1, 2, BLOCK // 2)
        radius = np.sqrt(-2 * np.log(1 - uniform[:, 0]))
        angle = np.float32(2 * math.pi) * uniform[:, 1]
        return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).reshape(shape)
