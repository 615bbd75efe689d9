import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from skimage import data as photos

from detectors import DlibFaces, Face, at_all_turns, by_turn, compare, merged
from detectors.faces.face import Box
from detectors.faces.turns import QUARTER_TURNS, overlap
from models import ModelFault
from tests.support.faces import WITHOUT_FACES, Upright, face

RED, BLUE = (250, 10, 10), (10, 10, 250)

spots = st.tuples(st.integers(0, 40), st.integers(0, 60))
turns = st.integers(0, QUARTER_TURNS - 1)


def scene() -> NDArray[np.uint8]:
    return np.full((60, 80, 3), 30, np.uint8)


@given(spots, turns)
def test_a_face_is_found_at_every_turn_where_it_is(spot: tuple[int, int], turned: int) -> None:
    rgb = scene()
    top, left = spot
    rgb[top : top + Upright.SIDE, left : left + Upright.SIDE] = np.rot90(Upright.drawn(RED), -turned)
    (found,) = at_all_turns(Upright(), rgb)
    assert found.box == (left, top, left + Upright.SIDE, top + Upright.SIDE)
    assert found.quarter_turns == turned
    assert np.allclose(found.embedding[:3] * 255, RED)


@given(turns)
def test_turning_the_picture_changes_nothing_but_the_turn(turned: int) -> None:
    rgb = scene()
    for left, colour in ((5, RED), (45, BLUE)):
        rgb[10 : 10 + Upright.SIDE, left : left + Upright.SIDE] = Upright.drawn(colour)
    upright = at_all_turns(Upright(), rgb)
    found = at_all_turns(Upright(), np.rot90(rgb, -turned))
    assert [one.quarter_turns for one in found] == [turned] * 2
    assert {one.embedding.tobytes() for one in found} == {one.embedding.tobytes() for one in upright}


def test_the_other_turns_are_searched_only_when_asked_for() -> None:
    seen: list[tuple[int, ...]] = []

    class Counting(Upright):
        def __call__(self, rgb: NDArray[np.uint8]) -> list[Face]:
            seen.append(rgb.shape[:2])
            return super().__call__(rgb)

    assert next(by_turn(Counting(), scene())) == []
    assert seen == [(60, 80)]
    assert at_all_turns(Counting(), scene()) == []
    assert seen[1:] == [(60, 80), (80, 60), (60, 80), (80, 60)]


def at(box: Box, score: float, turned: int, size: int = 10) -> Face:
    return Face(box, size, 5.0, score, face(1.0).embedding, quarter_turns=turned)


def test_of_one_face_found_at_two_turns_the_surer_find_stays() -> None:
    doubtful, sure = at((0, 0, 10, 10), 0.1, 0), at((1, 1, 11, 11), 0.9, 1)
    assert merged([doubtful, sure]) == [sure]


def test_faces_found_at_one_turn_are_never_merged() -> None:
    one, other = at((0, 0, 10, 10), 0.1, 0), at((1, 1, 11, 11), 0.9, 0, 12)
    assert merged([one, other]) == [other, one]


def test_a_face_within_a_face_is_another() -> None:
    large, small = at((0, 0, 100, 100), 0.9, 0, 100), at((10, 10, 40, 40), 0.1, 1, 30)
    assert merged([small, large]) == [large, small]


@given(st.tuples(*[st.integers(0, 20)] * 4), st.tuples(*[st.integers(0, 20)] * 4))
def test_overlap_is_counted_pixel_by_pixel(one: Box, other: Box) -> None:
    boxes = [(a[0], a[1], a[0] + a[2] + 1, a[1] + a[3] + 1) for a in (one, other)]
    masks = np.zeros((2, 50, 50), bool)
    for mask, (left, top, right, bottom) in zip(masks, boxes, strict=True):
        mask[top:bottom, left:right] = True
    expected = (masks[0] & masks[1]).sum() / (masks[0] | masks[1]).sum()
    assert overlap(*boxes) == pytest.approx(expected)


def test_a_failing_model_fails() -> None:
    class Broken(Upright):
        def __call__(self, rgb: NDArray[np.uint8]) -> list[Face]:
            if rgb.shape[0] > rgb.shape[1]:
                raise ModelFault("no answer")
            return []

    with pytest.raises(ModelFault):
        at_all_turns(Broken(), scene())


@pytest.mark.skipif(bool(WITHOUT_FACES), reason=WITHOUT_FACES)
@pytest.mark.parametrize("degrees", [45, 90, 135, 180, 270])
def test_the_real_model_finds_a_face_at_any_angle(dlib_faces: DlibFaces, degrees: int) -> None:
    portrait = cv2.resize(photos.astronaut()[20:260, 100:340], (160, 160), interpolation=cv2.INTER_AREA)
    turn = cv2.getRotationMatrix2D((80, 80), degrees, 1)
    turned = np.asarray(cv2.warpAffine(portrait, turn, (160, 160), borderMode=cv2.BORDER_REPLICATE), np.uint8)
    (upright,), found = dlib_faces(portrait), at_all_turns(dlib_faces, turned)
    assert min(compare(one.embedding, upright.embedding) for one in found) <= dlib_faces.strict_threshold
