"""The second look at faces that lean, with landmarks that were never on a face."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.faces.alignment import TEMPLATE, similarity
from detectors.faces.lean import LEAST_DEGREES, lean, look_again
from detectors.faces.yunet import Detections

IMAGE = np.full((400, 500, 3), 90, np.uint8)
RGB = NDArray[np.uint8]
Points = NDArray[np.float64]
VIEW, MIDDLE = 320, 160.0


def leaning(degrees: float) -> Points:
    """The template, turned counter-clockwise in the image and moved into it."""
    angle = math.radians(degrees)
    turn = np.array([(math.cos(angle), math.sin(angle)), (-math.sin(angle), math.cos(angle))])
    return np.asarray((TEMPLATE - TEMPLATE.mean(axis=0)) @ turn.T + (250, 200), np.float64)


class Detector:
    """Finds one face at a place of the copy: `shift` px from its middle. Keeps what it was shown."""

    def __init__(self, shift: float | None) -> None:
        self.shift = shift
        self.shown: list[RGB] = []

    def __call__(self, rgb: RGB) -> Detections:
        self.shown.append(rgb)
        if self.shift is None:
            return Detections(np.empty((0, 4)), np.empty((0, 5, 2)), np.empty(0))
        points = 1.4 * (TEMPLATE - 56) + MIDDLE + self.shift
        box = np.array([[MIDDLE + self.shift - 70, MIDDLE + self.shift - 70, 140, 140]])
        return Detections(box, points[None], np.ones(1))


@pytest.mark.parametrize("degrees", [-40.0, -13.0, 0.0, 5.0, 20.0, 45.0])
def test_a_lean_is_what_it_takes_to_be_upright(degrees: float) -> None:
    assert lean(leaning(degrees)) == pytest.approx(degrees, abs=1e-6)


@pytest.mark.parametrize("degrees", [-35.0, 20.0, 44.0])
def test_the_copy_shows_the_face_upright_and_what_is_found_is_turned_back(degrees: float) -> None:
    truth = leaning(degrees)
    detector = Detector(shift=0)
    assert np.allclose(look_again(IMAGE, truth, detector), truth, atol=0.5)
    assert [copy.shape for copy in detector.shown] == [(VIEW, VIEW, 3)]


def test_landmarks_that_lean_too_little_are_put_right() -> None:
    """A second find that is turned further moves the landmarks by as much."""
    found = look_again(IMAGE, leaning(20), Detector(shift=10))
    moved = found.mean(axis=0) - leaning(20).mean(axis=0)
    scale = 1.4 * float(np.hypot(*similarity(leaning(20))[0, :2]))
    assert np.linalg.norm(moved) == pytest.approx(10 * math.sqrt(2) / scale, rel=0.05)


@pytest.mark.parametrize(
    ("degrees", "detector", "looks"),
    [(LEAST_DEGREES - 1, Detector(0), 0), (30, Detector(None), 1), (30, Detector(VIEW / 3), 1)],
)
def test_otherwise_they_stay_as_they_are(degrees: float, detector: Detector, looks: int) -> None:
    """An upright face is not looked at again; nothing, or somebody else, in the copy changes nothing."""
    assert look_again(IMAGE, leaning(degrees), detector).tolist() == leaning(degrees).tolist()
    assert len(detector.shown) == looks
