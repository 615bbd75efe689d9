"""Face detection with dlib's HOG detector and 5-point landmarks.

The detector finds upright, frontal faces from 80 px. It searches a copy of the image whose longest side is 1024 px
(large images are reduced, small ones enlarged up to twice), so the smallest face it finds has about 8 % of the image's
longest side, or 40 px. The copy has a reflected border, because the detector needs some context and close portraits
have none. Landmarks and alignment use the image itself at full resolution. Doubtful detections are checked again after
alignment, which removes badges and animal muzzles.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.faces.face import Box
from models import ModelFault

RGB = NDArray[np.uint8]

SEARCH_SIDE = 1024
MAX_SCALE = 2.0
CHIP = 150
PADDING = 0.25
BORDER = 0.15
_DOUBTFUL = 0.25
_SECOND_CHIP, _SECOND_PADDING = 200, 0.6


@dataclass(frozen=True, slots=True)
class BoxDetection:
    """A detected face: `box` (px; may extend beyond the image) and the detector's `score`."""

    box: Box
    score: float


def check_image(rgb: RGB) -> None:
    """Raise ModelFault unless `rgb` is uint8, H x W x 3, and not empty."""
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3 or not rgb.size:
        raise ModelFault(f"not an RGB image: {rgb.dtype} of shape {rgb.shape}")


def search_copy(rgb: RGB) -> tuple[RGB, int, float, float]:
    """The copy to search, the width of its border (px), and its horizontal and vertical scale."""
    height, width = rgb.shape[:2]
    scale = min(SEARCH_SIDE / max(height, width), MAX_SCALE)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    border = round(BORDER * max(size))
    inner = cv2.resize(rgb, size, interpolation=method)
    copy = cv2.copyMakeBorder(inner, border, border, border, border, cv2.BORDER_REFLECT)
    return np.ascontiguousarray(copy, np.uint8), border, size[0] / width, size[1] / height


def locate(detector: Any, rgb: RGB) -> list[BoxDetection]:
    """Every face that `detector` (dlib's fhog_object_detector) finds, largest first, except in the reflected border."""
    copy, border, across, down = search_copy(rgb)
    rectangles, scores, _ = detector.run(copy, 0, 0.0)
    found = [
        BoxDetection(
            (
                round((r.left() - border) / across),
                round((r.top() - border) / down),
                round((r.right() - border) / across),
                round((r.bottom() - border) / down),
            ),
            float(score),
        )
        for r, score in zip(rectangles, scores, strict=True)
    ]
    return sorted((one for one in found if _within(one.box, rgb)), key=lambda one: (-side(one.box), one.box))


def _within(box: Box, rgb: RGB) -> bool:
    """Whether the centre of the box is inside the image."""
    height, width = rgb.shape[:2]
    left, top, right, bottom = box
    return bool(0 <= left + right < 2 * width and 0 <= top + bottom < 2 * height)


def is_confirmed(dlib: Any, detector: Any, rgb: RGB, found: BoxDetection, shape: Any) -> bool:
    """Whether the face is clear, or is detected again after alignment by its landmarks (`shape`)."""
    if found.score >= _DOUBTFUL:
        return True
    upright = dlib.get_face_chip(rgb, shape, size=_SECOND_CHIP, padding=_SECOND_PADDING)
    return bool(detector.run(upright, 0, 0.0)[0])


def side(box: Box) -> int:
    """The shorter side of a box, px."""
    left, top, right, bottom = box
    return min(right - left, bottom - top)


def inside(box: Box, rgb: RGB) -> Box:
    """The part of a box inside the image."""
    height, width = rgb.shape[:2]
    left, top, right, bottom = box
    return max(0, left), max(0, top), min(width, right), min(height, bottom)


def sharpness(chip: RGB) -> float:
    """Variance of the Laplacian of the grey chip: 0 if flat, small if blurred."""
    return float(cv2.Laplacian(cv2.cvtColor(chip, cv2.COLOR_RGB2GRAY), cv2.CV_64F).var())
