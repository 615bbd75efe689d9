"""Faces at every quarter turn. Face detectors find upright faces; a picture that is turned must not hide one.

The detectors that we use find heads that lean up to about 45 degrees, so four searches cover every angle between them.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from detectors.faces.face import Box, Face, FaceModel

RGB = NDArray[np.uint8]

QUARTER_TURNS = 4
SAME_FACE = 0.4
"""Intersection over union of two boxes from which they are one face, found at two turns."""


def by_turn(model: FaceModel, rgb: RGB) -> Iterator[list[Face]]:
    """The faces of an image (uint8, H x W x 3) at each of four quarter turns, upright first; boxes are of the image.

    Lazy: who has seen enough does not pay for the other turns. A face found at two turns is in both lists.

    Raises:
        ModelFault: the array is not such an image, or the model failed.
    """
    for turns in range(QUARTER_TURNS):
        turned = np.ascontiguousarray(np.rot90(rgb, turns))
        yield [_turned_back(face, turned.shape[:2], turns) for face in model(turned)]


def at_all_turns(model: FaceModel, rgb: RGB) -> list[Face]:
    """Every face at any quarter turn, each once, largest first. Of one found at two turns, the surer find is kept.

    Raises ModelFault as `by_turn`.
    """
    return merged([face for faces in by_turn(model, rgb) for face in faces])


def merged(faces: list[Face]) -> list[Face]:
    """`faces` without those whose box is nearly that of a surer face found at another turn, largest first."""
    kept: list[Face] = []
    for face in sorted(faces, key=lambda one: -one.score):  # stable: of two equal scores, the one found first
        if not any(_is_same(face, other) for other in kept):
            kept.append(face)
    return sorted(kept, key=lambda face: (-face.size, face.box))


def _is_same(one: Face, other: Face) -> bool:
    return one.quarter_turns != other.quarter_turns and overlap(one.box, other.box) >= SAME_FACE


def overlap(one: Box, other: Box) -> float:
    """Intersection over union of two boxes, 0..1."""
    across = min(one[2], other[2]) - max(one[0], other[0])
    down = min(one[3], other[3]) - max(one[1], other[1])
    if across <= 0 or down <= 0:
        return 0.0
    shared = across * down
    return shared / (_area(one) + _area(other) - shared)


def _area(box: Box) -> int:
    return (box[2] - box[0]) * (box[3] - box[1])


def _turned_back(face: Face, shape: tuple[int, ...], turns: int) -> Face:
    """A face found in a copy of `shape` (height, width), turned counter-clockwise, with its box in the image."""
    box, (height, width) = face.box, shape
    for _ in range(turns):  # back clockwise: (x, y) in a copy of (height, width) becomes (height - y, x)
        left, top, right, bottom = box
        box = (height - bottom, left, height - top, right)
        height, width = width, height
    return replace(face, box=box, quarter_turns=turns) if turns else face
