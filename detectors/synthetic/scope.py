"""Pictures the classifiers were not measured on, told by simple facts about them."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

SMALLEST_SIDE = 200
FLAT_SHARE = 0.6
LOWEST_JPEG_QUALITY = 40

OUT_OF_SCOPE = {
    "too_small": f"It is smaller than {SMALLEST_SIDE} px on a side: too little is left to judge by.",
    "flat_graphic": "It is mostly flat colour, like a chart, document, screenshot or logo; the classifiers were made "
    "for photographs and paintings.",
    "heavily_recompressed": f"It was saved as JPEG below quality {LOWEST_JPEG_QUALITY}, which erases what the "
    "classifiers look at.",
}
"""Why a picture is not judged, as stable codes with plain words."""


def out_of_scope(rgb: NDArray[np.uint8], working: NDArray[np.uint8], jpeg_quality: int | None) -> Iterator[str]:
    """The codes of OUT_OF_SCOPE that hold for a picture, its working copy and the quality of its JPEG, if it is one.

    More than 60 % of neighbouring pixels equal: 32 % of the training pack's human-made graphics, 3 % of its photos
    and .5 % of its synthetic pictures.
    """
    if min(rgb.shape[:2]) < SMALLEST_SIDE:
        yield "too_small"
    if flatness(working) > FLAT_SHARE:
        yield "flat_graphic"
    if jpeg_quality is not None and jpeg_quality < LOWEST_JPEG_QUALITY:
        yield "heavily_recompressed"


def flatness(rgb: NDArray[np.uint8]) -> float:
    """Share of pixels (0..1) of an RGB picture whose grey value equals that of their right neighbour."""
    grey = (rgb.astype(np.uint16) @ np.array([77, 150, 29], np.uint16)) >> 8
    if grey.shape[1] < 2:
        return 1.0
    return float((grey[:, 1:] == grey[:, :-1]).mean())
