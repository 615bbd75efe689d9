"""One card with both halves of a face model."""

from pathlib import Path
from typing import Any

import pytest

from detectors.faces import FACE_RECOGNITION, compare, open_faces
from detectors.faces.canary import BEARDED, LIGHT
from models import Card, ModelFault, find_card
from tests.support.face_cards import write_faces
from tests.support.yunets import portrait


def opened(folder: Path, **changes: Any) -> Card:
    write_faces(folder, **changes)
    return find_card("both", folder)


def test_one_card_opens_as_one_model(tmp_path: Path) -> None:
    model = FACE_RECOGNITION.open(opened(tmp_path))
    assert model.identity == "both@1"
    assert (model.threshold, model.strict_threshold, model.review_distance) == (0.55, 0.3, 0.4)
    (one,), (other,) = model(portrait(LIGHT)), model(portrait(BEARDED))
    assert compare(one.embedding, other.embedding) > 0


def test_the_digest_is_of_both_files_and_of_what_changes_an_embedding(tmp_path: Path) -> None:
    card = opened(tmp_path)
    digest = open_faces(card).digest
    limits = {"threshold": 0.6, "strict_threshold": 0.1, "review_distance": 0.0}
    filtered = opened(tmp_path, detector={"least_size": 20}, embedder=limits)
    assert open_faces(filtered).digest == digest  # the templates stay comparable
    assert open_faces(opened(tmp_path, embedder={"bgr": True})).digest != digest
    assert open_faces(opened(tmp_path, detector={"searched": [512, 256]})).digest != digest


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"detector": {"file": "other.onnx"}}, r"the detector is other\.onnx, which the card does not list"),
        ({"embedder": {"file": "other.onnx"}}, r"the embedder is other\.onnx"),
        ({"embedder": {"threshold": 3}}, "options are malformed"),
        ({"detector": {"colour": "red"}}, "options are malformed"),
    ],
)
def test_a_card_that_does_not_fit_together_is_a_fault(tmp_path: Path, changes: dict[str, Any], why: str) -> None:
    with pytest.raises(ModelFault, match=why):
        open_faces(opened(tmp_path, **changes))


def test_the_shipped_card_is_one_of_them() -> None:
    card = find_card("faces")
    assert card.task == FACE_RECOGNITION.name
    assert {card.options[part]["file"] for part in ("detector", "embedder")} == set(card.files)
    assert card.permissive
