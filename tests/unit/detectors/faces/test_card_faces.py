"""Two cards as one face model: YuNet's form finds, an embedder tells apart."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detectors import CardFaces, OnnxEmbedder, YuNet, compare
from detectors.faces.canary import BEARDED, LIGHT
from models import ModelFault, find_card
from tests.support.embedders import write_embedder
from tests.support.yunets import portrait, redfaces, write_yunet


def opened(folder: Path, model: bytes | None = None, gain: float = 1.0, **options: Any) -> CardFaces:
    write_yunet(folder, model=model, **options)
    write_embedder(folder, gain=gain)
    return CardFaces(YuNet(find_card("redfaces", folder)), OnnxEmbedder(find_card("bands", folder)))


def test_two_people_are_told_apart(tmp_path: Path) -> None:
    model = opened(tmp_path)
    (one,), (mirrored,), (other,) = (
        model(picture) for picture in (portrait(LIGHT), portrait(LIGHT)[:, ::-1], portrait(BEARDED))
    )
    assert compare(one.embedding, mirrored.embedding) < compare(one.embedding, other.embedding)
    assert (one.size, one.box) == (192, (40, 40, 232, 232))
    assert one.sharpness > 0
    assert 0 < one.score < 1
    assert one.turn == pytest.approx(0, abs=1e-6)


def test_several_faces_come_largest_first_and_inside_the_picture(tmp_path: Path) -> None:
    two = np.full((256, 512, 3), 128, np.uint8)
    two[:, :256] = portrait(LIGHT)
    two[:, 256:] = portrait(LIGHT)
    faces = opened(tmp_path, score=0.3)(two)
    assert len(faces) == 2
    assert [face.size for face in faces] == sorted((face.size for face in faces), reverse=True)
    for face in faces:
        left, top, right, bottom = face.box
        assert 0 <= left < right <= 512
        assert 0 <= top < bottom <= 256


def test_it_says_what_it_is(tmp_path: Path) -> None:
    model = opened(tmp_path)
    assert model.identity == "bands@1+redfaces@1"
    assert (model.threshold, model.strict_threshold, model.review_distance) == (0.55, 0.3, 0.4)
    assert model.digest != opened(tmp_path, score=0.5).digest  # faces found otherwise are cut otherwise


def test_no_face_is_no_fault(tmp_path: Path) -> None:
    assert opened(tmp_path)(np.full((90, 40, 3), 90, np.uint8)) == []


def test_what_is_no_picture_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(ModelFault, match="not an RGB image"):
        opened(tmp_path)(np.zeros((9, 9), np.uint8))


def test_a_blind_or_stuck_detector_is_not_opened(tmp_path: Path) -> None:
    with pytest.raises(ModelFault, match="no higher than plain grey"):
        opened(tmp_path, redfaces(gain=0), score=0.9)


def test_one_that_sees_faces_everywhere_is_not_opened(tmp_path: Path) -> None:
    with pytest.raises(ModelFault, match="plain grey"):
        opened(tmp_path, redfaces(gain=-0.2))


def test_an_embedder_that_tells_nobody_apart_is_not_opened(tmp_path: Path) -> None:
    class Stuck(OnnxEmbedder):
        def __call__(self, chip: np.ndarray) -> np.ndarray:
            return super().__call__(np.full_like(chip, 200))

    write_yunet(tmp_path)
    write_embedder(tmp_path)
    with pytest.raises(ModelFault, match="must not be used"):
        CardFaces(YuNet(find_card("redfaces", tmp_path)), Stuck(find_card("bands", tmp_path)))
