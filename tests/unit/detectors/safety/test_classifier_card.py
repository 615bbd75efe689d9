"""Safety classifiers by card: what they say, and everything about a card or model that is not taken."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from detectors import SafetyCard
from models import DigestMismatch, ModelFault, ModelMissing, Session, find_card
from tests.support.classifiers import redness, write_safety

RED, BLUE = (np.full((90, 130, 3), colour, np.uint8) for colour in ((250, 5, 5), (5, 5, 250)))


def opened(folder: Path, **options: Any) -> SafetyCard:
    write_safety(folder, **options)
    return SafetyCard(find_card("redness", folder))


def score(checker: SafetyCard, rgb: np.ndarray) -> float:
    (found,) = checker([rgb])
    return found.score


def test_it_is_asked_and_read_as_its_card_says(tmp_path: Path) -> None:
    found, other = opened(tmp_path)([RED, BLUE])
    assert found.score > 0.95
    assert other.score < 0.05
    assert (found.detector, found.label, found.model) == ("redness", "red", "redness@1")
    assert len(found.digest) == 64


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_several_outputs_are_added_up_to_1_at_most(tmp_path: Path, activation: str) -> None:
    both = opened(tmp_path, unsafe=[0, 1], activation=activation)
    assert score(both, RED) == pytest.approx(1.0, abs=1e-6)
    assert score(both, RED) <= 1
    assert score(opened(tmp_path, unsafe=[1]), BLUE) < 0.05


def test_another_way_to_ask_is_another_checker(tmp_path: Path) -> None:
    (one,), (same,), (other,) = (opened(tmp_path, unsafe=which)([RED]) for which in ([0, 1], [1, 0, 1], [1]))
    assert one.digest == same.digest != other.digest


def test_the_edges_are_seen_where_the_card_says_so(tmp_path: Path) -> None:
    edges = np.full((64, 256, 3), (5, 5, 250), np.uint8)
    edges[:, :90] = edges[:, -90:] = (250, 5, 5)
    assert score(opened(tmp_path), edges) < 0.05
    assert score(opened(tmp_path, whole=True), edges) > 0.5


def test_no_image_is_no_answer(tmp_path: Path) -> None:
    with pytest.raises(ModelFault, match="no image"):
        opened(tmp_path)([])


@pytest.mark.parametrize(
    "options",
    [
        {"unsafe": []},
        {"unsafe": -1},
        {"unsafe": "1"},
        {"label": ""},
        {"label": "Not A Label"},
        {"synthetic": 1},
        {"size": 4},
        {"deviation": [0, 1, 1]},
        {"mean": [float("nan"), 0, 0]},
    ],
)
def test_options_that_make_no_sense_are_a_fault(tmp_path: Path, options: dict[str, object]) -> None:
    with pytest.raises(ModelFault):
        opened(tmp_path, **options)


@pytest.mark.parametrize("missing", ["unsafe", "label", "size"])
def test_options_that_are_left_out_are_a_fault(tmp_path: Path, missing: str) -> None:
    path = write_safety(tmp_path)
    values = json.loads(path.read_text())
    del values["options"][missing]
    path.write_text(json.dumps(values))
    with pytest.raises(ModelFault, match=missing):
        SafetyCard(find_card("redness", tmp_path))


@pytest.mark.parametrize("unsafe", [2, [0, 7]])
def test_an_output_it_does_not_have_closes_it_at_once(tmp_path: Path, unsafe: object) -> None:
    with pytest.raises(ModelFault, match="2 outputs"):
        opened(tmp_path, unsafe=unsafe)


def test_a_logit_taken_for_a_probability_closes_it_at_once(tmp_path: Path) -> None:
    with pytest.raises(ModelFault, match="activation"):
        opened(tmp_path, activation="none")


def test_a_stuck_model_is_not_opened(tmp_path: Path) -> None:
    with pytest.raises(ModelFault, match="the same score"):
        opened(tmp_path, model=redness(slope=0))


def test_a_model_whose_unsafe_output_is_stuck_is_not_opened(tmp_path: Path) -> None:
    with pytest.raises(ModelFault, match="the same score"):
        opened(tmp_path, model=redness(stuck=True), activation="sigmoid")


def test_a_model_of_nan_is_not_opened(tmp_path: Path) -> None:
    with pytest.raises(ModelFault, match="finite"):
        opened(tmp_path, model=redness(slope=float("nan")))


def test_the_boxes_of_a_detector_are_not_taken_for_classes(tmp_path: Path) -> None:
    """NudeNet's format: a column of numbers for each of thousands of places."""
    with pytest.raises(ModelFault, match="not one number per class"):
        opened(tmp_path, model=redness(boxes=100))


def test_a_model_that_breaks_later_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checker = opened(tmp_path)
    monkeypatch.setattr(Session, "run", lambda self, batch: np.zeros((len(batch), 1), np.float32))
    with pytest.raises(ModelFault, match="1 outputs"):
        checker([RED])


def test_a_file_that_is_not_the_cards_is_refused(tmp_path: Path) -> None:
    write_safety(tmp_path)
    (tmp_path / "redness.onnx").write_bytes(b"other")
    with pytest.raises(DigestMismatch):
        SafetyCard(find_card("redness", tmp_path))
    (tmp_path / "redness.onnx").unlink()
    with pytest.raises(ModelMissing, match="in that folder"):
        SafetyCard(find_card("redness", tmp_path))
