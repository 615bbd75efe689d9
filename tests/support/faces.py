"""Whether the extra `faces` is here, and a face model that needs no weights."""

import importlib.util

import numpy as np
from numpy.typing import NDArray

from detectors import Face
from detectors.faces import DIMENSIONS

_MISSING = [name for name in ("dlib", "face_recognition_models") if importlib.util.find_spec(name) is None]
WITHOUT_FACES = f"NOT TESTED: {' and '.join(_MISSING)} missing; pip install -e '.[faces]'" if _MISSING else ""
"""Why the real face model is not tested here; empty where it is."""


def embedding(*first: float) -> NDArray[np.float32]:
    """An embedding that begins with the given numbers; the rest is 0."""
    return np.array([*first, *[0.0] * (DIMENSIONS - len(first))], np.float32)


def face(*first: float) -> Face:
    """A face with such an embedding."""
    return Face((1, 2, 3, 4), 2, 5.0, 1.0, embedding(*first))


class ByColour:
    """Finds a face in each picture that is not black, and embeds its first pixel's colour, 0..1."""

    identity, digest = "by-colour@1", "0" * 64
    threshold, strict_threshold, review_distance = 0.55, 0.4, 0.5

    def __call__(self, rgb: NDArray[np.uint8]) -> list[Face]:
        return [face(*rgb[0, 0] / 255)] if rgb.any() else []
