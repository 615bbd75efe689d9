"""Faces that lean: a second look, at a copy in which the face is upright.

The detector finds heads that lean by up to about 45 degrees, but places their landmarks as if they leaned less. The
embedding of a face that is aligned by them is far from that of the same face upright, so a protected face would pass.
"""

import math
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.faces.alignment import SIDE, similarity
from detectors.faces.yunet import Detections

RGB = NDArray[np.uint8]
Points = NDArray[np.float64]

LEAST_DEGREES = 12.0
"""Upright heads lean by up to this; their landmarks are right."""

_VIEW, _SCALE = 320, 1.4  # px of the copy, and of a face in it in units of the aligned square


def look_again(rgb: RGB, landmarks: Points, detect: Callable[[RGB], Detections]) -> Points:
    """The landmarks of a face (float64 (5, 2), px), found again upright if it leans; otherwise as they are.

    `detect`: finds the faces of an image (uint8, H x W x 3).

    Raises:
        ModelFault: the landmarks coincide, or `detect` failed.
    """
    if abs(lean(landmarks)) < LEAST_DEGREES:
        return landmarks
    view = _view(landmarks)
    found = detect(np.asarray(cv2.warpAffine(rgb, view, (_VIEW, _VIEW), flags=cv2.INTER_LINEAR), np.uint8))
    if not len(found):
        return landmarks
    centres = found.boxes[:, :2] + found.boxes[:, 2:] / 2
    away = np.linalg.norm(centres - _VIEW / 2, axis=1)
    nearest = int(np.argmin(away))
    if away[nearest] > _VIEW / 4:  # somebody else
        return landmarks
    back = cv2.invertAffineTransform(view)
    return np.asarray(found.landmarks[nearest] @ back[:, :2].T + back[:, 2], np.float64)


def lean(landmarks: Points) -> float:
    """By how many degrees a face has to be turned to be upright, clockwise positive."""
    matrix = similarity(landmarks)
    return math.degrees(math.atan2(matrix[1, 0], matrix[0, 0]))


def _view(landmarks: Points) -> NDArray[np.float64]:
    """The affine transform (2, 3) from the image to a square with the face upright in its middle."""
    matrix = similarity(landmarks)
    return np.hstack([_SCALE * matrix[:, :2], (_SCALE * (matrix[:, 2] - SIDE / 2) + _VIEW / 2)[:, None]])
