"""Images outside the scope in which the classifiers were measured, recognised by simple properties."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

SMALLEST_SIDE = 200
FLAT_SHARE = 0.6
LOWEST_JPEG_QUALITY = 40

OUT_OF_SCOPE = {
    "too_small": f"The image is smaller than {SMALLEST_SIDE} px on a side: too small to classify.",
    "flat_graphic": "The image is mostly flat colour, like a chart, document, screenshot or logo; the classifiers were "
    "made for photographs and paintings.",
    "heavily_recompressed": f"The image was saved as JPEG below quality {LOWEST_JPEG_QUALITY}, which erases the "
    "traces the classifiers need.",
}
"""Why an image is not classified: stable codes with their explanations."""


def out_of_scope(rgb: NDArray[np.uint8], working: NDArray[np.uint8], jpeg_quality: int | None) -> Iterator[str]:
    """The codes of OUT_OF_SCOPE that apply to an image, its working copy, and its JPEG quality (None: not a JPEG).

    In the training data, more than 60 % of neighbouring pixels are equal in 32 % of human-made graphics, 3 % of
    photographs and .5 % of synthetic images.
    """
    if min(rgb.shape[:2]) < SMALLEST_SIDE:
        yield "too_small"
    if flatness(working) > FLAT_SHARE:
        yield "flat_graphic"
    if jpeg_quality is not None and jpeg_quality < LOWEST_JPEG_QUALITY:
        yield "heavily_recompressed"


def flatness(rgb: NDArray[np.uint8]) -> float:
    """Share (0..1) of pixels of an RGB image whose grey value equals that of their right neighbour."""
    grey = (rgb.astype(np.uint16) @ np.array([77, 150, 29], np.uint16)) >> 8
    if grey.shape[1] < 2:
        return 1.0
    return float((grey[:, 1:] == grey[:, :-1]).mean())
