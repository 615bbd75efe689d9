"""Where the faces are, and each of them upright in a square: dlib's HOG detector and 5-point landmarks.

The detector finds upright, frontal faces from 80 px. It searches a copy of the picture whose longest side is 1024 px
(large pictures are reduced, small ones enlarged, at most twice), so the smallest face that is found has about 8 % of
the picture's longest side, or 40 px. Around it the copy is reflected, because the detector wants some surroundings and
close portraits have none. Landmarks and alignment use the picture itself, at its full resolution. What
hardly looks like a face is looked at again once it is upright, because badges and muzzles do at first sight.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.faces.face import Box
from models import ModelFault

RGB = NDArray[np.uint8]

LONGEST_SEARCHED = 1024
LARGEST_SCALE = 2.0
CHIP = 150
PADDING = 0.25
BORDER = 0.15
_DOUBTFUL = 0.25
_SECOND_CHIP, _SECOND_PADDING = 200, 0.6


@dataclass(frozen=True, slots=True)
class Found:
    """Where a face was found: `box` (px of the picture; may reach over its border) and the detector's `score`."""

    box: Box
    score: float


def check_picture(rgb: RGB) -> None:
    """Raises ModelFault unless `rgb` is uint8, H x W x 3, and not empty."""
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3 or not rgb.size:
        raise ModelFault(f"no RGB picture: {rgb.dtype} of shape {rgb.shape}")


def searched(rgb: RGB) -> tuple[RGB, int, float, float]:
    """The copy to search in, how wide its border is (px), and how much wider and higher it is than the picture."""
    height, width = rgb.shape[:2]
    scale = min(LONGEST_SEARCHED / max(height, width), LARGEST_SCALE)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    border = round(BORDER * max(size))
    inner = cv2.resize(rgb, size, interpolation=how)
    copy = cv2.copyMakeBorder(inner, border, border, border, border, cv2.BORDER_REFLECT)
    return np.ascontiguousarray(copy, np.uint8), border, size[0] / width, size[1] / height


def locate(detector: Any, rgb: RGB) -> list[Found]:
    """Every face that `detector` (dlib's fhog_object_detector) finds, largest first; no mere reflections."""
    copy, border, across, down = searched(rgb)
    rectangles, scores, _ = detector.run(copy, 0, 0.0)
    found = [
        Found(
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
    """The middle of the box lies in the picture."""
    height, width = rgb.shape[:2]
    left, top, right, bottom = box
    return bool(0 <= left + right < 2 * width and 0 <= top + bottom < 2 * height)


def confirmed(dlib: Any, detector: Any, rgb: RGB, found: Found, shape: Any) -> bool:
    """A doubtful face, turned upright by its landmarks (`shape`), is found again; a clear one needs no second look."""
    if found.score >= _DOUBTFUL:
        return True
    upright = dlib.get_face_chip(rgb, shape, size=_SECOND_CHIP, padding=_SECOND_PADDING)
    return bool(detector.run(upright, 0, 0.0)[0])


def side(box: Box) -> int:
    """The shorter side of a box, px."""
    left, top, right, bottom = box
    return min(right - left, bottom - top)


def inside(box: Box, rgb: RGB) -> Box:
    """The part of a box that lies in the picture."""
    height, width = rgb.shape[:2]
    left, top, right, bottom = box
    return max(0, left), max(0, top), min(width, right), min(height, bottom)


def sharpness(chip: RGB) -> float:
    """Variance of the Laplacian of the grey chip: 0 where it is flat, small where it is blurred."""
    return float(cv2.Laplacian(cv2.cvtColor(chip, cv2.COLOR_RGB2GRAY), cv2.CV_64F).var())
