import json
from pathlib import Path

import numpy as np
import pytest

from detectors import DlibFaces, OnnxEmbedder, compare
from detectors.faces.canary import BEARDED, LIGHT, draw
from models import DigestMismatch, ModelFault, find_card
from tests.support.embedders import write_embedder
from tests.support.faces import WITHOUT_FACES

CHIP = draw(LIGHT)[50:200, 50:200]


def embedder(folder: Path, **options: object) -> OnnxEmbedder:
    write_embedder(folder, **options)  # type: ignore[arg-type]
    return OnnxEmbedder(find_card("bands", folder))


def test_an_embedding_has_length_one(tmp_path: Path) -> None:
    found = embedder(tmp_path)(CHIP)
    assert found.shape == (128,)
    assert found.dtype == np.float32
    assert float(np.linalg.norm(found)) == pytest.approx(1)
    assert not found.flags.writeable


def test_pixels_go_in_as_the_card_says(tmp_path: Path) -> None:
    red = np.full((150, 150, 3), (250, 10, 10), np.uint8)
    plain = embedder(tmp_path)(red)
    assert compare(plain, embedder(tmp_path, bgr=True)(red)) > 0.1
    assert compare(plain, embedder(tmp_path, bgr=True)(np.ascontiguousarray(red[..., ::-1]))) == pytest.approx(
        0, abs=1e-6
    )
    assert compare(plain, embedder(tmp_path, mean=[0, 0, 0])(red)) > 0.1


def test_how_it_is_asked_is_part_of_what_it_is(tmp_path: Path) -> None:
    plain = embedder(tmp_path)
    assert embedder(tmp_path, bgr=True).digest != plain.digest
    assert embedder(tmp_path, threshold=0.6).digest == plain.digest


@pytest.mark.parametrize(
    "options", [{"size": 3}, {"deviation": [0, 1, 1]}, {"threshold": 0}, {"colour": 1}, {"threshold": 9}]
)
def test_options_that_make_no_sense_are_a_fault(tmp_path: Path, options: dict[str, object]) -> None:
    with pytest.raises(ModelFault):
        embedder(tmp_path, **options)


@pytest.mark.parametrize("gain", [0.0, 1e30])
def test_an_embedding_of_nothing_or_without_bounds_is_a_fault(tmp_path: Path, gain: float) -> None:
    with pytest.raises(ModelFault, match="length"):
        embedder(tmp_path, gain=gain)(CHIP)


def test_an_altered_file_is_refused(tmp_path: Path) -> None:
    write_embedder(tmp_path)
    (tmp_path / "bands.onnx").write_bytes(b"other")
    with pytest.raises(DigestMismatch):
        OnnxEmbedder(find_card("bands", tmp_path))


def test_a_card_of_two_files_is_a_fault(tmp_path: Path) -> None:
    path = write_embedder(tmp_path)
    values = json.loads(path.read_text())
    path.write_text(json.dumps({**values, "files": {**values["files"], "b.onnx": "0" * 64}}))
    with pytest.raises(ModelFault, match="2 ONNX files"):
        OnnxEmbedder(find_card("bands", tmp_path))


@pytest.mark.skipif(bool(WITHOUT_FACES), reason=WITHOUT_FACES)
def test_it_takes_the_networks_place(tmp_path: Path) -> None:
    own = embedder(tmp_path)
    model = DlibFaces(embedder=own)
    assert (model.identity, model.digest) == ("bands@1", own.digest)
    assert (model.threshold, model.strict_threshold, model.review_distance) == (0.55, 0.3, 0.4)
    (light,), (bearded,) = model(draw(LIGHT)), model(draw(BEARDED))
    assert compare(light.embedding, bearded.embedding) > model.threshold


@pytest.mark.skipif(bool(WITHOUT_FACES), reason=WITHOUT_FACES)
def test_one_that_tells_nobody_apart_is_refused(tmp_path: Path) -> None:
    class Stuck(OnnxEmbedder):
        def __call__(self, chip: np.ndarray) -> np.ndarray:
            return super().__call__(np.full_like(chip, 200))

    write_embedder(tmp_path)
    with pytest.raises(ModelFault, match="must not be used"):
        DlibFaces(embedder=Stuck(find_card("bands", tmp_path)))
