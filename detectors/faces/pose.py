"""Which way a head is turned, told by the five landmarks: coarse evidence, enough to tell left from right."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray


def turn(landmarks: NDArray[np.float64]) -> float:
    """Where the nose lies between the eyes, along the line through them, in units of their distance.

    0 is straight ahead, below 0 towards the picture's left, above 0 towards its right. Turning the picture in its
    plane, moving or scaling it changes nothing; mirroring it changes the sign.

    Args:
        landmarks: (x, y) in px, float64 (5, 2), in dlib's order: both corners of the eye on the picture's right, both
            of the eye on its left, the base of the nose.

    Returns:
        A number without unit; NaN where both eyes are in one place, so that no limit holds.
    """
    right, left, nose = landmarks[0:2].mean(axis=0), landmarks[2:4].mean(axis=0), landmarks[4]
    across = right - left
    square = float(across @ across)
    return float((nose - (left + right) / 2) @ across) / square if square > 0 else math.nan


def points(shape: Any) -> NDArray[np.float64]:
    """The landmarks of dlib's `full_object_detection` as float64 (5, 2)."""
    return np.array([(p.x, p.y) for p in shape.parts()], np.float64)
