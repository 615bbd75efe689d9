from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from detectors.faces import detection
from detectors.faces.detection import MAX_SCALE, SEARCH_SIDE, BoxDetection, check_image, inside, locate, search_copy
from models import ModelFault


@given(st.integers(1, 1500), st.integers(1, 1500))
@settings(max_examples=40, deadline=None)
def test_what_is_searched_has_a_bounded_size(height: int, width: int) -> None:
    rgb = np.broadcast_to(np.zeros(3, np.uint8), (height, width, 3))
    copy, border, across, down = search_copy(rgb)
    inner_height, inner_width = copy.shape[0] - 2 * border, copy.shape[1] - 2 * border
    assert max(inner_height, inner_width) in (SEARCH_SIDE, MAX_SCALE * max(height, width))
    assert max(inner_height, inner_width) <= SEARCH_SIDE
    assert inner_width == round(width * across)
    assert inner_height == round(height * down)


class Detector:
    """Finds these boxes in whatever it is shown."""

    def __init__(self, *boxes: tuple[int, int, int, int]) -> None:
        self.boxes = boxes

    def run(
        self, _rgb: np.ndarray, _upsample: int, _adjust: float
    ) -> tuple[list[SimpleNamespace], list[float], list[int]]:
        names = ("left", "top", "right", "bottom")
        found = [
            SimpleNamespace(**{name: lambda v=v: v for name, v in zip(names, box, strict=True)}) for box in self.boxes
        ]
        return found, [1.0] * len(found), [0] * len(found)


def test_boxes_are_those_of_the_picture_largest_first() -> None:
    detector = Detector((254, 204, 354, 304), (134, 154, 454, 474))  # the border is 154 px wide
    large, small = locate(detector, np.zeros((2048, 1024, 3), np.uint8))
    assert large.box == (-40, 0, 600, 640)
    assert small.box == (200, 100, 400, 300)
    (enlarged,) = locate(Detector((177, 127, 277, 227)), np.zeros((256, 256, 3), np.uint8))  # here 77 px
    assert enlarged.box == (50, 25, 100, 75)


@pytest.mark.parametrize(
    "box", [(0, 300, 200, 500), (300, 0, 500, 200), (1178, 300, 1300, 400), (300, 1178, 400, 1300)]
)
def test_a_reflection_is_no_face(box: tuple[int, int, int, int]) -> None:
    assert locate(Detector(box), np.zeros((1024, 1024, 3), np.uint8)) == []


def test_a_box_is_cut_to_the_picture() -> None:
    assert inside((-5, -6, 200, 300), np.zeros((100, 50, 3), np.uint8)) == (0, 0, 50, 100)
    assert inside((5, 6, 20, 30), np.zeros((100, 50, 3), np.uint8)) == (5, 6, 20, 30)


def test_a_doubtful_face_is_looked_at_again() -> None:
    dlib = SimpleNamespace(get_face_chip=lambda rgb, shape, size, padding: rgb)
    rgb, nothing, something = np.zeros((9, 9, 3), np.uint8), Detector(), Detector((0, 0, 9, 9))
    clear, doubtful = BoxDetection((0, 0, 9, 9), 1.0), BoxDetection((0, 0, 9, 9), 0.1)
    assert detection.is_confirmed(dlib, nothing, rgb, clear, None)
    assert not detection.is_confirmed(dlib, nothing, rgb, doubtful, None)
    assert detection.is_confirmed(dlib, something, rgb, doubtful, None)


def test_sharpness_falls_with_blur() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (150, 150, 3), np.uint8)
    soft = np.asarray(noise.reshape(75, 2, 75, 2, 3).mean((1, 3)).repeat(2, 0).repeat(2, 1), np.uint8)
    assert detection.sharpness(noise) > detection.sharpness(soft) > detection.sharpness(np.zeros_like(noise)) == 0


@pytest.mark.parametrize(
    "picture",
    [np.zeros((5, 5), np.uint8), np.zeros((5, 5, 4), np.uint8), np.zeros((5, 5, 3)), np.zeros((0, 5, 3), np.uint8)],
)
def test_what_is_no_picture_is_refused(picture: NDArray[np.uint8]) -> None:
    with pytest.raises(ModelFault):
        check_image(picture)
