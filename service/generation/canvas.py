"""What a job draws on: a picture that was sent in, where it may change, and how much."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

WHOLE, PART = 0.8, 1.0
"""Strengths where the order names none, as in diffusers: of a picture drawn anew, of a masked part."""


@dataclass(frozen=True, slots=True, eq=False)
class Canvas:
    """`rgb`: uint8, H x W x 3, as large as the job. `mask`: bool, H x W, True where it is drawn anew; None: all over.

    `strength`: share of the denoising that is done, 0 exclusive to 1; at 1 nothing of what was there is left.
    """

    rgb: NDArray[np.uint8]
    mask: NDArray[np.bool_] | None
    strength: float

    def steps(self, steps: int) -> int:
        """How many of a job's steps are really done."""
        return int(steps * self.strength)


def fitted(rgb: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """The middle of a picture in another shape and size (width, height)."""
    return np.asarray(ImageOps.fit(Image.fromarray(rgb), size, Image.Resampling.LANCZOS))


def canvas(
    rgb: NDArray[np.uint8], mask: NDArray[np.bool_] | None, strength: float | None, size: tuple[int, int]
) -> Canvas:
    """The middle of a picture and its mask in another shape and size (width, height)."""
    if mask is None:
        return Canvas(fitted(rgb, size), None, WHOLE if strength is None else strength)
    grey = ImageOps.fit(Image.fromarray(mask.astype(np.uint8) * 255), size, Image.Resampling.BILINEAR)
    return Canvas(fitted(rgb, size), np.asarray(grey) >= 128, PART if strength is None else strength)


def kept(drawn: NDArray[np.uint8], onto: Canvas) -> NDArray[np.uint8]:
    """`drawn` where the mask allows it, elsewhere the very pixels that were sent in."""
    return drawn if onto.mask is None else np.where(onto.mask[..., None], drawn, onto.rgb)
