"""One face as evidence, and what any model that finds faces must offer."""

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

DIMENSIONS = 128

Box = tuple[int, int, int, int]
"""(left, top, right, bottom) in pixels; right and bottom are the first that do not belong to it."""


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """A face in a picture.

    `box` lies inside the picture. `size` is the shorter side (px) of the face as found, before it was cut to the
    picture; `sharpness` the variance of the Laplacian of the aligned grey face (0 is flat, small is blurred);
    `score` the detector's margin over its own threshold (0 is barely a face). `embedding` is float32 (128,),
    read-only; the nearer two lie (`compare`), the likelier they are one person. `turn` tells which way the head is
    turned (`pose.turn`: 0 straight, below 0 the picture's left); NaN where a model cannot tell.
    """

    box: Box
    size: int
    sharpness: float
    score: float
    embedding: NDArray[np.float32]
    turn: float = math.nan


class FaceModel(Protocol):
    """Finds and embeds faces. Embeddings are comparable only between models of the same `digest`."""

    @property
    def identity(self) -> str:
        """`name@version` of the model's card."""

    @property
    def digest(self) -> str:
        """SHA-256 (hex) over the model's files."""

    @property
    def threshold(self) -> float:
        """Largest distance at which two faces, one against one, count as the same person."""

    @property
    def strict_threshold(self) -> float:
        """Largest distance at which one hit among many templates counts as that person without review."""

    @property
    def review_distance(self) -> float:
        """Largest distance at which one hit among many is worth a person's look; 0: none is."""

    def __call__(self, rgb: NDArray[np.uint8]) -> list[Face]:
        """Every face of a picture (uint8, H x W x 3), largest first; empty where there is none.

        Raises:
            ModelFault: the picture has another form, or the model gave no answer.
        """
