from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from detectors.faces.alignment import SIDE, TEMPLATE, similarity, upright
from models import ModelFault
from tests.support.yunets import noise

PICTURE = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8), (0, 0), 4)


def moved(turn: float, scale: float, x: float, y: float) -> np.ndarray:
    rotation = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return TEMPLATE @ rotation.T + (x, y)


@given(st.floats(-3, 3), st.floats(0.1, 20), st.floats(-500, 500), st.floats(-500, 500))
@settings(max_examples=50, deadline=None)
def test_a_moved_template_comes_back(turn: float, scale: float, x: float, y: float) -> None:
    points = moved(turn, scale, x, y)
    matrix = similarity(points)
    np.testing.assert_allclose(points @ matrix[:, :2].T + matrix[:, 2], TEMPLATE, atol=1e-6)


@given(arrays(np.float64, (5, 2), elements=st.floats(-100, 100)))
@settings(max_examples=50, deadline=None)
def test_it_never_mirrors(points: np.ndarray) -> None:
    if np.ptp(points, axis=0).min() > 1:
        assert np.linalg.det(similarity(points)[:, :2]) >= 0


def test_it_is_opencvs(tmp_path: Path) -> None:
    path = tmp_path / "any.onnx"
    path.write_bytes(noise())  # alignment does not run it
    theirs = cv2.FaceRecognizerSF.create(str(path), "")
    rng = np.random.default_rng(1)
    for _ in range(20):
        turn, scale, place = rng.normal(), rng.uniform(0.5, 2), rng.uniform(60, 160, 2)
        points = moved(turn, scale, *place) + rng.normal(size=(5, 2)) * 4
        row = np.concatenate([[0, 0, 1, 1], points.ravel(), [1]]).astype(np.float32)[None]
        difference = theirs.alignCrop(PICTURE, row).astype(int) - upright(PICTURE, points)
        assert np.abs(difference).max() <= 2  # the template's mean is rounded there, and points are float32


def test_an_upright_face_stays_as_it_is() -> None:
    face = np.ascontiguousarray(PICTURE[:SIDE, :SIDE])
    np.testing.assert_array_equal(upright(face, TEMPLATE), face)


@pytest.mark.parametrize("points", [np.full((5, 2), 7.0), np.full((5, 2), np.nan), np.full((5, 2), np.inf)])
def test_points_in_one_place_or_nowhere_are_a_fault(points: np.ndarray) -> None:
    with pytest.raises(ModelFault, match="coincide"), np.errstate(invalid="ignore"):
        similarity(points)
