"""One face as evidence, and the interface of face models."""

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

DIMENSIONS = 128

Box = tuple[int, int, int, int]
"""(left, top, right, bottom) in pixels; right and bottom are exclusive."""


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """A face in an image.

    `box` is inside the image. `size` is the shorter side (px) of the detected face before clipping to the image;
    `sharpness` the variance of the Laplacian of the aligned grey face (0 is flat, small is blurred); `score` the
    detector's margin over its threshold (0 is barely a face). `embedding` is float32 (128,), read-only; the smaller
    the distance of two (`compare`), the more likely they are the same person. `turn` is the head's yaw (`pose.turn`: 0
    straight, negative towards the image's left); NaN if the model does not report it. `quarter_turns`: how often the
    image has to be turned by 90 degrees, counter-clockwise, for the face to be upright; `turn` is that of the upright
    face.
    """

    box: Box
    size: int
    sharpness: float
    score: float
    embedding: NDArray[np.float32]
    turn: float = math.nan
    quarter_turns: int = 0


class FaceModel(Protocol):
    """Finds and embeds faces. Embeddings are comparable only between models of the same `digest`."""

    @property
    def identity(self) -> str:
        """`name@version` of the model's card."""

    @property
    def digest(self) -> str:
        """SHA-256 (hex) over the model's files and options."""

    @property
    def threshold(self) -> float:
        """Largest distance at which two faces count as the same person (one to one)."""

    @property
    def strict_threshold(self) -> float:
        """Largest distance at which a match among many templates counts as that person without review."""

    @property
    def review_distance(self) -> float:
        """Largest distance at which a match among many templates is worth human review; 0: none is."""

    def __call__(self, rgb: NDArray[np.uint8]) -> list[Face]:
        """Every face in an image (uint8, H x W x 3), largest first; empty if there is none.

        Raises:
            ModelFault: the array is not such an image, or the model failed.
        """
