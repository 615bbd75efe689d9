"""Whether the extra `faces` is here, and a face model that needs no weights."""

import importlib.util
from dataclasses import replace

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
        if not rgb.any():
            return []
        height, width = rgb.shape[:2]
        return [replace(face(*rgb[0, 0] / 255), box=(0, 0, width, height))]


class Upright:
    """Finds drawn faces (`drawn`) that are upright, and no others: what a real detector does with turned heads.

    A face is a square of one colour with white hair at the top and a black chin; the embedding is its colour, 0..1.
    """

    identity, digest = "upright@1", "1" * 64
    threshold, strict_threshold, review_distance = 0.55, 0.4, 0.5
    SIDE = 12

    @classmethod
    def drawn(cls, colour: tuple[int, int, int]) -> NDArray[np.uint8]:
        """An upright face (uint8, SIDE x SIDE x 3)."""
        square = np.empty((cls.SIDE, cls.SIDE, 3), np.uint8)
        square[:] = colour
        square[:2], square[-2:] = 255, 0
        return square

    def __call__(self, rgb: NDArray[np.uint8]) -> list[Face]:
        if min(rgb.shape[:2]) < self.SIDE:
            return []
        windows = np.lib.stride_tricks.sliding_window_view(rgb, (self.SIDE, self.SIDE), axis=(0, 1))
        hair, chin = windows[..., :2, :], windows[..., -2:, :]
        skin = windows[..., 2:-2, :].reshape(*windows.shape[:3], -1)
        even = (np.ptp(skin, axis=-1) == 0).all(axis=-1)
        hits = (hair == 255).all(axis=(2, 3, 4)) & (chin == 0).all(axis=(2, 3, 4)) & even
        return [self._face(rgb, int(top), int(left)) for top, left in np.argwhere(hits)]

    def _face(self, rgb: NDArray[np.uint8], top: int, left: int) -> Face:
        colour = rgb[top + self.SIDE // 2, left + self.SIDE // 2] / 255
        box = (left, top, left + self.SIDE, top + self.SIDE)
        return Face(box, self.SIDE, 50.0, 1.0, embedding(*(float(part) for part in colour)))
