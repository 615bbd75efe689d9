"""The yaw of a head from five landmarks: a coarse estimate, enough to tell left from right."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

TIP = 0.76
"""How far the base of a nose moves between the eyes when YuNet's tip moves by 1: the least-squares slope over 42 images
(correlation .91; benchmarks/faces.py --turns DIR)."""


def turn(landmarks: NDArray[np.float64]) -> float:
    """The position of the nose along the line through the eyes, relative to their midpoint and distance.

    0 is straight ahead, negative towards the image's left, positive towards its right. The value does not change if
    the image is rotated, moved or scaled; mirroring changes the sign.

    Args:
        landmarks: (x, y) in px, float64 (5, 2), in dlib's order: both corners of the eye on the image's right, both
            of the eye on its left, the base of the nose.

    Returns:
        A number without unit; NaN if the eyes coincide, which fails every limit.
    """
    right, left, nose = landmarks[0:2].mean(axis=0), landmarks[2:4].mean(axis=0), landmarks[4]
    across = right - left
    square = float(across @ across)
    return float((nose - (left + right) / 2) @ across) / square if square > 0 else math.nan


def turn_of_tip(landmarks: NDArray[np.float64]) -> float:
    """`turn` from landmarks that have the tip of the nose instead of its base, in the same unit.

    Args:
        landmarks: (x, y) in px, float64 (5, 2), in the order of `alignment.TEMPLATE`.

    Returns:
        As `turn`, so that the same limits hold.
    """
    left, right, nose = landmarks[:3]
    return TIP * turn(np.stack([right, right, left, left, nose]))


def points(shape: Any) -> NDArray[np.float64]:
    """The landmarks of dlib's `full_object_detection` as float64 (5, 2)."""
    return np.array([(p.x, p.y) for p in shape.parts()], np.float64)
