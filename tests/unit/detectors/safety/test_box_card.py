"""Detectors of objects by card: what they say, and everything about a card or model that is not taken."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors import BoxCard, BoxOptions
from detectors.safety.box_card import letterbox
from models import DigestMismatch, ModelFault, ModelMissing, Session, find_card
from tests.support.classifiers import boxes, redness, write_boxes

GREY = np.full((64, 128, 3), 120, np.uint8)


def opened(folder: Path, **options: Any) -> BoxCard:
    write_boxes(folder, **options)
    return BoxCard(find_card("redboxes", folder))


def spot(colour: tuple[int, int, int], x: int, y: int) -> np.ndarray:
    picture = GREY.copy()
    picture[y : y + 30, x : x + 30] = colour
    return picture


def score(checker: BoxCard, rgb: np.ndarray) -> float:
    (found,) = checker([rgb])
    return found.score


@pytest.mark.parametrize("place", ["corner", "centre"])
@pytest.mark.parametrize(("x", "y"), [(0, 0), (104, 40), (0, 40), (52, 20)])
def test_an_unsafe_object_counts_wherever_it_is(tmp_path: Path, place: str, x: int, y: int) -> None:
    checker = opened(tmp_path, place=place)
    assert score(checker, spot((250, 5, 5), x, y)) > 0.9
    assert score(checker, spot((5, 5, 250), x, y)) < 0.1
    assert score(checker, GREY) < 0.1


def test_it_is_read_as_its_card_says(tmp_path: Path) -> None:
    blue = spot((5, 5, 250), 30, 30)
    found, other = opened(tmp_path, unsafe=["BLUE"])([blue, GREY])
    assert found.score > 0.9 > 0.1 > other.score
    assert (found.detector, found.label, found.model) == ("redboxes", "red", "redboxes@1")
    assert len(found.digest) == 64
    assert score(opened(tmp_path, unsafe=["RED", "BLUE"]), blue) == found.score
    assert score(opened(tmp_path, bgr=True), blue) == pytest.approx(found.score, abs=1e-6)


def test_the_highest_place_is_the_score(tmp_path: Path) -> None:
    checker = opened(tmp_path)
    two = spot((250, 5, 5), 0, 0)
    two[40:64, 100:124] = (200, 60, 60)
    assert score(checker, two) == score(checker, spot((250, 5, 5), 0, 0))


def test_another_way_to_ask_is_another_checker(tmp_path: Path) -> None:
    plain = opened(tmp_path)
    assert plain.digest == opened(tmp_path).digest != opened(tmp_path, fill=114).digest


@given(st.integers(1, 300), st.integers(1, 300), st.sampled_from(["corner", "centre"]))
@settings(max_examples=40, deadline=None)
def test_the_whole_picture_is_in_the_square(height: int, width: int, place: str) -> None:
    asked = BoxOptions.model_validate(
        {"output": "boxes", "size": 64, "place": place, "fill": 0, "labels": ["A"], "unsafe": "A", "label": "a"}
    )
    found = letterbox(np.full((height, width, 3), 255, np.uint8), asked)
    assert found.shape == (3, 64, 64)
    assert found.dtype == np.float32
    rows, columns = np.flatnonzero(found[0].any(axis=1)), np.flatnonzero(found[0].any(axis=0))
    assert max(len(rows), len(columns)) == 64
    assert len(rows) == max(1, round(64 * height / max(height, width)))
    assert (found[:, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] == 1).all()
    if place == "corner":
        assert rows[0] == columns[0] == 0
    else:
        assert abs(rows[0] - (63 - rows[-1])) <= 1
        assert abs(columns[0] - (63 - columns[-1])) <= 1


def test_the_square_is_nudenets() -> None:
    """Its own way, as of 3.4.2: black to the lower right, then `blobFromImage`; colours aside."""
    rgb = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (90, 160, 3), np.uint8), (0, 0), 3)
    padded = cv2.copyMakeBorder(rgb, 0, 70, 0, 0, cv2.BORDER_CONSTANT)
    theirs = cv2.dnn.blobFromImage(padded, 1 / 255, (320, 320), (0, 0, 0), swapRB=False, crop=False)[0]
    asked = BoxOptions(output="boxes", size=320, labels=("A",), unsafe=("A",), label="a")
    assert np.abs(letterbox(rgb, asked) - theirs)[:, :176].max() < 0.01  # the last rows blend with black in theirs


def test_no_image_is_no_answer(tmp_path: Path) -> None:
    with pytest.raises(ModelFault, match="no image"):
        opened(tmp_path)([])


@pytest.mark.parametrize(
    "options",
    [
        {"unsafe": []},
        {"unsafe": "GREEN"},
        {"unsafe": 1},
        {"labels": []},
        {"labels": ["RED", "RED"]},
        {"label": "Not A Label"},
        {"size": 8},
        {"fill": 300},
        {"place": "left"},
        {"output": "masks"},
        {"activation": "sigmoid"},
    ],
)
def test_options_that_make_no_sense_are_a_fault(tmp_path: Path, options: dict[str, object]) -> None:
    with pytest.raises(ModelFault):
        opened(tmp_path, **options)


@pytest.mark.parametrize("labels", [["RED"], ["RED", "BLUE", "GREEN"]])
def test_labels_that_are_not_the_models_close_it(tmp_path: Path, labels: list[str]) -> None:
    with pytest.raises(ModelFault, match=f"{len(labels)} labels"):
        opened(tmp_path, labels=labels)


@pytest.mark.parametrize("model", [boxes(first=True), redness(), redness(boxes=100)])
def test_an_output_of_another_form_closes_it(tmp_path: Path, model: bytes) -> None:
    with pytest.raises(ModelFault, match="numbers for the box"):
        opened(tmp_path, model=model)


@pytest.mark.parametrize(
    ("model", "why"),
    [
        (boxes(logits=True), "not a probability"),
        (boxes(slope=0), "the same score"),
        (boxes(slope=float("nan")), "finite"),
    ],
)
def test_a_model_that_says_nothing_usable_is_not_opened(tmp_path: Path, model: bytes, why: str) -> None:
    with pytest.raises(ModelFault, match=why):
        opened(tmp_path, model=model)


def test_a_model_that_breaks_later_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checker = opened(tmp_path)
    monkeypatch.setattr(Session, "run", lambda self, batch: np.zeros((len(batch), 6, 0), np.float32))
    with pytest.raises(ModelFault, match="shape"):
        checker([GREY])


def test_a_card_of_two_files_is_a_fault(tmp_path: Path) -> None:
    path = write_boxes(tmp_path)
    values = json.loads(path.read_text())
    path.write_text(json.dumps({**values, "files": {**values["files"], "b.onnx": "0" * 64}}))
    with pytest.raises(ModelFault, match="2 ONNX files"):
        BoxCard(find_card("redboxes", tmp_path))


def test_a_file_that_is_not_the_cards_is_refused(tmp_path: Path) -> None:
    write_boxes(tmp_path)
    (tmp_path / "redboxes.onnx").write_bytes(b"other")
    with pytest.raises(DigestMismatch):
        BoxCard(find_card("redboxes", tmp_path))
    (tmp_path / "redboxes.onnx").unlink()
    with pytest.raises(ModelMissing, match="in that folder"):
        BoxCard(find_card("redboxes", tmp_path))
