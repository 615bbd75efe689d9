import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detectors import Member
from models import Card, DigestMismatch, ModelFault, ModelMissing, find_card
from tests.support.classifiers import write_member

RED, BLUE = (np.full((90, 130, 3), colour, np.uint8) for colour in ((250, 5, 5), (5, 5, 250)))


def member(folder: Path, **options: Any) -> Member:
    write_member(folder, **options)
    return Member(find_card("redness", folder))


def score(asked: Member, rgb: np.ndarray) -> float:
    (found,) = asked.judge([asked.prepare(rgb)])
    return found.score


def test_it_is_asked_and_read_as_its_card_says(tmp_path: Path) -> None:
    asked = member(tmp_path)
    found, other = asked.judge([asked.prepare(RED), asked.prepare(BLUE)])
    assert found.score > 0.95
    assert other.score < 0.05
    assert (found.detector, found.label, found.model) == ("redness", "synthetic", "redness@1")


def test_an_output_that_means_real_is_turned_round(tmp_path: Path) -> None:
    assert score(member(tmp_path, synthetic=0, inverted=True), RED) == pytest.approx(score(member(tmp_path), RED))
    assert score(member(tmp_path, activation="sigmoid"), RED) > 0.95


@pytest.mark.parametrize("size", [(1, 1), (3, 4000), (4000, 3), (700, 500)])
def test_any_size_has_a_score(tmp_path: Path, size: tuple[int, int]) -> None:
    rgb = np.random.default_rng(1).integers(0, 256, (*size, 3), np.uint8)
    assert 0 <= score(member(tmp_path, resize=40), rgb) <= 1


def test_a_logit_taken_for_a_probability_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(ModelFault, match="activation"):
        score(member(tmp_path, activation="none"), RED)


def test_an_output_it_does_not_have_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(ModelFault, match="2 outputs"):
        score(member(tmp_path, synthetic=5), RED)


@pytest.mark.parametrize("options", [{"size": 4}, {"colour": 1}, {"deviation": [0, 1, 1]}, {"synthetic": -1}])
def test_options_that_make_no_sense_are_a_fault(tmp_path: Path, options: dict[str, object]) -> None:
    with pytest.raises(ModelFault):
        member(tmp_path, **options)


def test_a_file_that_is_not_the_cards_is_refused(tmp_path: Path) -> None:
    write_member(tmp_path)
    (tmp_path / "redness.onnx").write_bytes(b"other")
    with pytest.raises(DigestMismatch):
        Member(find_card("redness", tmp_path))
    (tmp_path / "redness.onnx").unlink()
    with pytest.raises(ModelMissing, match="in that folder"):
        Member(find_card("redness", tmp_path))


def test_a_card_of_two_models_is_a_fault(tmp_path: Path) -> None:
    path = write_member(tmp_path)
    values = json.loads(path.read_text())
    values["files"]["b.onnx"] = "0" * 64
    with pytest.raises(ModelFault, match="2 ONNX files"):
        Member(Card.model_validate(values))


def test_other_options_make_it_another_classifier(tmp_path: Path) -> None:
    plain, turned = member(tmp_path), member(tmp_path, synthetic=0, inverted=True)
    assert plain.card.digest == turned.card.digest
    assert plain.digest != turned.digest
    assert plain.judge([plain.prepare(RED)])[0].digest == plain.digest
