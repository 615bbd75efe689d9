import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from detectors import Face
from detectors.faces.canary import BEARDED, LIGHT
from models import Card, ModelFault, find_card
from service.kit.errors import BrokenPicture, TooLarge, Unavailable, UnsupportedFormat
from service.kit.model_store import CARDS_FOLDER, store
from service.kit.settings import Settings
from service.likeness import comparison as module
from service.likeness.comparison import FaceComparer, open_face_comparer, open_model
from service.media.pictures import ImageLimits, encode
from tests.support.embedders import write_embedder
from tests.support.face_cards import write_faces
from tests.support.faces import WITHOUT_FACES, ByColour, face
from tests.support.yunets import portrait, write_yunet

needs_faces = pytest.mark.skipif(bool(WITHOUT_FACES), reason=WITHOUT_FACES)

LIMITS = ImageLimits(1 << 20, 1 << 20)


def plain(red: int, green: int = 0) -> bytes:
    return encode(np.full((8, 8, 3), (red, green, 0), np.uint8), "png")[0]


@pytest.fixture
def faces() -> FaceComparer:
    return FaceComparer(ByColour(), LIMITS)


def test_faces_of_a_file(faces: FaceComparer) -> None:
    found = faces.find(plain(255), "a.png")
    (one,) = found.faces
    assert (found.file, found.model, found.digest) == ("a.png", "by-colour@1", "0" * 64)
    assert (one.box, one.size, one.sharpness, one.score) == ((0, 0, 8, 8), 2, 5.0, 1.0)
    assert "embedding" not in found.model_dump_json()
    assert faces.find(plain(0)).faces == ()


@pytest.mark.parametrize(("green", "same"), [(0, True), (100, True), (255, False)])
def test_the_threshold_decides(faces: FaceComparer, green: int, same: bool) -> None:
    found = faces.compare(plain(255), plain(255, green))
    assert found.distance == pytest.approx(green / 255, abs=1e-4)
    assert (found.same, found.threshold, found.faces) == (same, 0.55, (1, 1))
    assert set(found.model_dump()) == {"distance", "threshold", "same", "faces", "boxes"}


def test_a_distance_at_the_threshold_is_the_same() -> None:
    class Edge(ByColour):
        threshold = 1.0

    assert FaceComparer(Edge(), LIMITS).compare(plain(255), plain(255, 255)).same


def test_of_several_faces_the_closest_pair_counts() -> None:
    class Many(ByColour):
        def __call__(self, rgb: np.ndarray) -> list[Face]:
            pair = [face(1, 1), face(0, 1)] if rgb[0, 0, 1] else [face(1, 0), face(0, 0.9)]
            return [replace(one, box=(0, 0, 8, 8)) for one in pair]

    found = FaceComparer(Many(), LIMITS).compare(plain(255), plain(255, 255))
    assert found.distance == pytest.approx(0.1)
    assert found.faces == (2, 2)


@pytest.mark.parametrize(("one", "other"), [(0, 255), (255, 0), (0, 0)])
def test_without_a_face_there_is_no_answer(faces: FaceComparer, one: int, other: int) -> None:
    found = faces.compare(plain(one), plain(other))
    assert (found.distance, found.same) == (None, None)
    assert found.faces == (int(one > 0), int(other > 0))


def test_a_file_that_is_no_picture(faces: FaceComparer) -> None:
    for bad, error in ((b"text", UnsupportedFormat), (b"", BrokenPicture), (b"x" * (1 << 21), TooLarge)):
        with pytest.raises(error):
            faces.find(bad)
        for pair in ((plain(255), bad), (bad, plain(255))):
            with pytest.raises(error):
                faces.compare(*pair)


class Failing(ByColour):
    def __call__(self, _rgb: np.ndarray) -> list[Face]:
        raise ModelFault("the embedding is not finite")


class NotFinite(ByColour):
    def __call__(self, _rgb: np.ndarray) -> list[Face]:
        return [face(float("nan"))]


@pytest.mark.parametrize("model", [Failing(), NotFinite()])
def test_a_model_that_fails_is_no_answer(model: ByColour) -> None:
    with pytest.raises(Unavailable, match="not finite"):
        FaceComparer(model, LIMITS).compare(plain(255), plain(255))


def test_a_model_that_does_not_start(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    def broken(**_: object) -> None:
        raise ModelFault("the canary was not found")

    monkeypatch.setattr(module, "DlibFaces", broken)
    with pytest.raises(Unavailable, match="canary"):
        open_face_comparer(settings)


@needs_faces
def test_an_operators_embedder_is_taken(settings: Settings) -> None:
    write_embedder(settings.home / CARDS_FOLDER)
    assert open_model(settings).identity == "bands@1"
    write_embedder(settings.home / CARDS_FOLDER, name="second")
    with pytest.raises(Unavailable, match="2 cards"):
        open_model(settings)


def pulled(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shipped card's folder, with a small model of the same form that its files are replaced by."""
    folder = store(settings) / "faces" / "1"
    card = Card.model_validate_json(write_faces(folder, name="faces").read_bytes())
    monkeypatch.setattr(module, "find_card", lambda _name: card.model_copy(update={"source": SHIPPED}))
    return folder


SHIPPED = find_card("faces").source


def test_the_pulled_model_is_the_default(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = pulled(settings, monkeypatch)
    assert open_model(settings).identity == "faces@1"
    assert open_model(settings.model_copy(update={"face_model": "faces"})).identity == "faces@1"
    (folder / "bands.onnx").write_bytes(b"altered")
    for choice in ("auto", "faces"):  # and not dlib in its place
        with pytest.raises(Unavailable, match=r"SHA-256.*models pull faces"):
            open_model(settings.model_copy(update={"face_model": choice}))


def test_own_cards_come_before_the_pulled_model(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    pulled(settings, monkeypatch)
    write_faces(settings.home / CARDS_FOLDER, name="mine")
    assert open_model(settings).identity == "mine@1"
    assert open_model(settings.model_copy(update={"face_model": "faces"})).identity == "faces@1"
    write_embedder(settings.home / CARDS_FOLDER, name="second")
    with pytest.raises(Unavailable, match="mine has a detector and an embedder"):
        open_model(settings)


def test_without_any_model_it_says_what_to_pull(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dlib", None)
    with pytest.raises(Unavailable, match="`faces` is not downloaded, and dlib cannot be imported") as none:
        open_model(settings)
    assert none.value.hint == "Run `countermark models pull faces`."
    with pytest.raises(Unavailable, match="models pull"):
        open_model(settings.model_copy(update={"face_model": "faces"}))
    with pytest.raises(Unavailable, match=r"countermark\[faces\]"):
        open_model(settings.model_copy(update={"face_model": "dlib"}))


@needs_faces
def test_dlib_is_taken_where_it_is_asked_for(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    pulled(settings, monkeypatch)
    write_faces(settings.home / CARDS_FOLDER, name="mine")
    assert open_model(settings.model_copy(update={"face_model": "dlib"})).identity == "dlib-faces@1"


def test_two_cards_take_dlibs_place(settings: Settings) -> None:
    folder = settings.home / CARDS_FOLDER
    write_yunet(folder)
    with pytest.raises(Unavailable, match="needs an embedder"):
        open_model(settings)
    write_embedder(folder)
    assert open_model(settings).identity == "bands@1+redfaces@1"
    one, other = (encode(portrait(drawing), "png")[0] for drawing in (LIGHT, BEARDED))
    faces = open_face_comparer(settings)
    assert faces.compare(one, one).same
    assert not faces.compare(one, other).same
    write_yunet(folder, name="second")
    with pytest.raises(Unavailable, match="2 cards have the task face-detection"):
        open_model(settings)


def test_an_altered_detector_is_not_passed_over(settings: Settings) -> None:
    write_embedder(settings.home / CARDS_FOLDER)
    write_yunet(settings.home / CARDS_FOLDER)
    (settings.home / CARDS_FOLDER / "redfaces.onnx").write_bytes(b"other")
    with pytest.raises(Unavailable, match="SHA-256"):
        open_model(settings)


def test_an_altered_embedder_is_not_passed_over(settings: Settings) -> None:
    write_embedder(settings.home / CARDS_FOLDER)
    (settings.home / CARDS_FOLDER / "bands.onnx").write_bytes(b"other")
    with pytest.raises(Unavailable):
        open_model(settings)
