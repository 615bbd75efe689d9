"""The real model on the one real portrait at hand (NASA's of Eileen Collins, in scikit-image) and on drawings."""

import importlib
import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from skimage import data as photos

from detectors import DlibFaces, compare
from detectors.faces import dlib_faces as module
from detectors.faces.canary import BEARDED, LIGHT, draw
from detectors.faces.embedding import embed
from models import Card, DigestMismatch, ModelFault, ModelMissing, find_card
from models.cards import Folder, Package
from tests.support.faces import WITHOUT_FACES

needs_faces = pytest.mark.skipif(bool(WITHOUT_FACES), reason=WITHOUT_FACES)


def jpeg(rgb: np.ndarray, quality: int) -> np.ndarray:
    out = io.BytesIO()
    Image.fromarray(rgb).save(out, "JPEG", quality=quality)
    return np.asarray(Image.open(out))


@pytest.fixture(scope="module")
def portrait() -> np.ndarray:
    """uint8, 320 x 320 x 3: a head with its shoulders."""
    return np.ascontiguousarray(photos.astronaut()[:320, 60:380])


def test_a_portrait_has_one_face_where_it_is(dlib_faces: DlibFaces, portrait: np.ndarray) -> None:
    (face,) = dlib_faces(portrait)
    left, top, right, bottom = face.box
    assert left < 165 < right
    assert top < 120 < bottom
    assert face.size == pytest.approx(right - left, abs=2)
    assert face.sharpness > 0
    assert face.score > 0.5
    assert face.embedding.shape == (128,)
    assert face.embedding.dtype == np.float32
    assert not face.embedding.flags.writeable


@pytest.mark.parametrize(
    "change",
    [
        lambda rgb: rgb[:, ::-1],
        lambda rgb: jpeg(rgb, 40),
        lambda rgb: cv2.resize(rgb, (188, 188), interpolation=cv2.INTER_AREA),
        lambda rgb: cv2.resize(rgb, (812, 812), interpolation=cv2.INTER_CUBIC),
        lambda rgb: rgb[20:300, 20:320],
        lambda rgb: np.asarray(rgb * 0.6, np.uint8),
        lambda rgb: np.repeat(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)[..., None], 3, 2),
    ],
    ids=["mirrored", "jpeg", "smaller", "larger", "cropped", "darker", "grey"],
)
def test_the_same_face_stays_the_same(
    dlib_faces: DlibFaces, portrait: np.ndarray, change: Callable[[NDArray[np.uint8]], NDArray[np.uint8]]
) -> None:
    (before,), found = dlib_faces(portrait), dlib_faces(change(portrait))
    nearest = min(compare(before.embedding, after.embedding) for after in found)  # in grey, the badge is found, too
    assert nearest < dlib_faces.strict_threshold


def nose_pushed(rgb: np.ndarray, by: float) -> np.ndarray:
    """The portrait with its nose, at (164, 135), so many px further to the right."""
    y, x = np.mgrid[: rgb.shape[0], : rgb.shape[1]].astype(np.float32)
    near = np.exp(-(((x - 164) / 18) ** 2 + ((y - 135) / 18) ** 2))
    result: np.ndarray = cv2.remap(rgb, x - np.float32(by) * near, y, cv2.INTER_LINEAR)
    return result


@pytest.mark.parametrize(("by", "low", "high"), [(0, -0.06, 0.06), (12, 0.1, 0.2), (-12, -0.2, -0.1)])
def test_the_nose_tells_where_the_head_is_turned(
    dlib_faces: DlibFaces, portrait: np.ndarray, by: float, low: float, high: float
) -> None:
    turned = nose_pushed(portrait, by)
    (face,), (mirrored,) = dlib_faces(turned), dlib_faces(turned[:, ::-1])
    assert low < face.turn < high
    assert mirrored.turn == pytest.approx(-face.turn, abs=0.03)


def test_a_drawing_is_somebody_else(dlib_faces: DlibFaces, portrait: np.ndarray) -> None:
    (person,) = dlib_faces(portrait)
    for drawing in (LIGHT, BEARDED):
        (drawn,) = dlib_faces(draw(drawing))
        assert compare(person.embedding, drawn.embedding) > dlib_faces.threshold


def test_two_faces_in_one_picture(dlib_faces: DlibFaces) -> None:
    both = np.concatenate([draw(LIGHT), draw(BEARDED)], axis=1)
    assert len(dlib_faces(both)) == 2


@pytest.mark.parametrize("name", ["coffee", "rocket", "chelsea"])
def test_no_face_where_there_is_none(dlib_faces: DlibFaces, name: str) -> None:
    assert dlib_faces(getattr(photos, name)()) == []


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (7, 3)])
def test_any_size_is_read(dlib_faces: DlibFaces, size: tuple[int, int]) -> None:
    assert dlib_faces(np.zeros((*size, 3), np.uint8)) == []


def test_threads_get_the_same_answer(dlib_faces: DlibFaces, portrait: np.ndarray) -> None:
    pictures = [portrait, draw(LIGHT), portrait[:, ::-1]]
    alone = [dlib_faces(picture) for picture in pictures]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(dlib_faces, 2 * pictures))
    for one, other in zip(2 * alone, together, strict=True):
        assert [f.box for f in one] == [f.box for f in other]
        assert np.array_equal(one[0].embedding, other[0].embedding)


def test_it_says_what_it_is(dlib_faces: DlibFaces) -> None:
    assert dlib_faces.identity == "dlib-faces@1"
    assert dlib_faces.digest == find_card("dlib-faces").digest
    assert 0 < dlib_faces.strict_threshold < dlib_faces.threshold


def test_what_is_no_picture_is_a_fault(dlib_faces: DlibFaces) -> None:
    with pytest.raises(ModelFault):
        dlib_faces(np.zeros((5, 5), np.uint8))


class Broken:
    def __init__(self, answer: object) -> None:
        self.answer = answer

    def compute_face_descriptor(self, _chip: object) -> object:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.mark.parametrize("answer", [RuntimeError("dlib"), [float("nan")] * 128, [0.0] * 64])
def test_an_answer_that_is_none_is_a_fault(
    dlib_faces: DlibFaces, monkeypatch: pytest.MonkeyPatch, answer: object
) -> None:
    monkeypatch.setattr(dlib_faces, "_embed", lambda chip: embed(Broken(answer), chip))
    with pytest.raises(ModelFault):
        dlib_faces(draw(LIGHT))


def test_without_dlib_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> object:
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(ModelMissing, match=r"countermark\[faces\]"):
        DlibFaces()


@needs_faces
def test_without_the_weights_it_says_what_to_install() -> None:
    source = Package(kind="package", distribution="no-such-thing", path="x", extra="faces")
    with pytest.raises(ModelMissing, match=r"countermark\[faces\]"):
        DlibFaces(find_card("dlib-faces").model_copy(update={"source": source}))


def in_folder(tmp_path: Path, content: bytes, **update: object) -> Card:
    for name in (module.LANDMARKS, module.NETWORK):
        (tmp_path / name).write_bytes(content)
    source = Folder(kind="folder", path=tmp_path)
    return find_card("dlib-faces").model_copy(update={"source": source, **update})


@needs_faces
def test_altered_weights_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DigestMismatch, match="SHA-256"):
        DlibFaces(in_folder(tmp_path, b"altered"))


@needs_faces
def test_weights_that_dlib_cannot_read_are_a_fault(tmp_path: Path) -> None:
    import hashlib

    digest = hashlib.sha256(b"no weights").hexdigest()
    card = in_folder(tmp_path, b"no weights", files={module.LANDMARKS: digest, module.NETWORK: digest})
    with pytest.raises(ModelFault, match="cannot load"):
        DlibFaces(card)
