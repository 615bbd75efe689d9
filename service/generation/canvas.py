"""The input of an edit: an image, where it may change, and how much."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

IMAGE_STRENGTH, MASK_STRENGTH = 0.8, 1.0
"""Default strengths, as in diffusers: of an edit of the whole image, and of a masked area."""


@dataclass(frozen=True, slots=True, eq=False)
class Canvas:
    """`rgb`: uint8, H x W x 3, the size of the job. `mask`: bool, H x W, True where pixels may change; None: anywhere.

    `strength`: share of the denoising steps to run, in (0, 1]; at 1 nothing of the original is left.
    """

    rgb: NDArray[np.uint8]
    mask: NDArray[np.bool_] | None
    strength: float

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.rgb.shape[1], self.rgb.shape[0]

    def steps(self, steps: int) -> int:
        """How many of `steps` actually run."""
        return int(steps * self.strength)


def fitted(rgb: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Crop the centre of an image (uint8, H x W x 3) to the shape of `size` (width, height) and resize it."""
    return np.asarray(ImageOps.fit(Image.fromarray(rgb), size, Image.Resampling.LANCZOS))


def canvas(
    rgb: NDArray[np.uint8], mask: NDArray[np.bool_] | None, strength: float | None, size: tuple[int, int]
) -> Canvas:
    """The centre crop of an image and its mask (bool, H x W), resized to `size` (width, height)."""
    if mask is None:
        return Canvas(fitted(rgb, size), None, IMAGE_STRENGTH if strength is None else strength)
    grey = ImageOps.fit(Image.fromarray(mask.astype(np.uint8) * 255), size, Image.Resampling.BILINEAR)
    return Canvas(fitted(rgb, size), np.asarray(grey) >= 128, MASK_STRENGTH if strength is None else strength)


def restore_unmasked(generated: NDArray[np.uint8], original: Canvas) -> NDArray[np.uint8]:
    """`generated` inside the mask, the exact original pixels outside it."""
    return generated if original.mask is None else np.where(original.mask[..., None], generated, original.rgb)
