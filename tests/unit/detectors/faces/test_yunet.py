"""YuNet by card: that its outputs are read as OpenCV reads them, and every card and answer that is not taken."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from detectors import YuNet
from detectors.faces.canary import LIGHT
from detectors.faces.yunet import STRIDES, Detections, decode, non_maximum_suppression, scores
from models import DigestMismatch, ModelFault, Session, find_card
from tests.support.yunets import PARTS, noise, portrait, redfaces, write_yunet

SIDE = 288
BLURRED = cv2.GaussianBlur(np.random.default_rng(1).integers(0, 256, (SIDE, SIDE, 3), np.uint8), (0, 0), 9)
PICTURE = np.asarray(np.clip((BLURRED.astype(float) - 128) * 9 + 128, 0, 255), np.uint8)
GREY = np.full((256, 256, 3), 128, np.uint8)

Outputs = dict[str, np.ndarray]


def opened(folder: Path, model: bytes | None = None, **options: Any) -> YuNet:
    write_yunet(folder, model=model, **options)
    return YuNet(find_card("redfaces", folder))


@pytest.mark.parametrize("seed", [3, 4, 5, 6])
@pytest.mark.parametrize("side", [SIDE, SIDE - 20])
def test_it_finds_what_opencv_finds(tmp_path: Path, seed: int, side: int) -> None:
    model, picture = noise(seed), np.ascontiguousarray(PICTURE[:side, :side])
    found = opened(tmp_path, model, size=SIDE, searched=[side], score=0.55, overlap=0.3)(picture)
    theirs = cv2.FaceDetectorYN.create(str(tmp_path / "redfaces.onnx"), "", (side, side), 0.55, 0.3, 5000)
    _, rows = theirs.detect(np.ascontiguousarray(picture[..., ::-1]))
    assert rows is not None
    assert len(found) == len(rows) > 1
    np.testing.assert_allclose(found.scores, rows[:, 14], atol=1e-5)
    mine = np.hstack([found.boxes, found.landmarks.reshape(-1, 10)])
    np.testing.assert_allclose(mine, rows[:, :14], rtol=1e-4, atol=0.02)


def empty(side: int = 64) -> Outputs:
    return {
        f"{part}_{stride}": np.zeros((1, (side // stride) ** 2, count), np.float32)
        for stride in STRIDES
        for part, count in PARTS.items()
    }


def test_one_place_read_by_hand() -> None:
    outputs = empty()
    outputs["cls_16"][0, 6], outputs["obj_16"][0, 6] = 0.81, 1.7  # third of the second row of four; 1.7 counts as 1
    outputs["bbox_16"][0, 6] = (0.5, 0.25, np.log(2), np.log(3))
    outputs["kps_16"][0, 6] = np.arange(10)
    found = decode(outputs, 64, 0.5)
    assert found.scores.tolist() == [pytest.approx(0.9, abs=1e-6)]
    np.testing.assert_allclose(found.boxes, [[40 - 16, 20 - 24, 32, 48]], atol=1e-4)
    np.testing.assert_allclose(found.landmarks[0, 0], [16 * 2, 16 * (1 + 1)])
    np.testing.assert_allclose(found.landmarks[0, 4], [16 * (2 + 8), 16 * (1 + 9)])
    assert scores(outputs, 8).max() == 0
    assert len(decode(outputs, 64, 0.95)) == 0


@pytest.mark.parametrize(("part", "value"), [("bbox", 100.0), ("bbox", 1e30), ("kps", 1e30)])
def test_a_face_that_lies_nowhere_is_a_fault(part: str, value: float) -> None:
    outputs = empty()
    outputs["cls_32"][:], outputs["obj_32"][:] = 1, 1
    outputs[f"{part}_32"][:] = value
    with pytest.raises(ModelFault, match="not finite"):
        decode(outputs, 64, 0.5)


def test_of_those_that_overlap_the_likelier_stays() -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 1, 10, 10], [40, 0, 10, 10]], np.float64)
    found = non_maximum_suppression(Detections(boxes, np.zeros((3, 5, 2)), np.array([0.7, 0.9, 0.8])), 0.5, 0.3)
    assert found.scores.tolist() == [0.9, 0.8]


def test_a_face_is_where_it_is_drawn_at_any_size(tmp_path: Path) -> None:
    finder = opened(tmp_path, score=0.9)
    for side in (256, 300, 700):
        picture = cv2.resize(portrait(LIGHT), (side, side), interpolation=cv2.INTER_AREA)
        found = finder(picture)
        assert len(found) == 1
        eyes = found.landmarks[0, :2] * 256 / side
        np.testing.assert_allclose(eyes, [(0.385 * 256 + 8, 0.46 * 256), (0.615 * 256 + 8, 0.46 * 256)], atol=2)
    wide = np.full((256, 512, 3), 128, np.uint8)
    wide[:, 256:] = portrait(LIGHT)
    (box,) = opened(tmp_path, score=0.5)(cv2.resize(wide, (1024, 512))).boxes / 2
    assert 256 < box[0] + box[2] / 2 < 512


def test_nothing_is_found_in_nothing(tmp_path: Path) -> None:
    finder = opened(tmp_path)
    assert len(finder(GREY)) == 0
    assert finder.max_score(GREY) < 0.01 < finder.max_score(portrait(LIGHT))
    assert len(finder(np.zeros((1, 1, 3), np.uint8))) == 0


def test_a_close_portrait_is_searched_smaller(tmp_path: Path) -> None:
    close = cv2.resize(portrait(LIGHT)[32:240, 32:240], (512, 512))
    both = opened(tmp_path, searched=[])
    assert both.options.longest_sides == (512, 256)
    sizes = {round(float(width)) for _, _, width, _ in both(close).boxes}
    assert max(sizes) >= 2 * 384  # twelve places of 32 px, in a copy of half the size


def test_how_it_is_asked_is_part_of_what_it_is(tmp_path: Path) -> None:
    plain = opened(tmp_path)
    assert plain.digest == opened(tmp_path).digest != opened(tmp_path, score=0.7).digest


@pytest.mark.parametrize(
    "options",
    [
        {"size": 100},
        {"size": 0},
        {"size": 8192},
        {"searched": [1024]},
        {"searched": [1]},
        {"score": 0},
        {"score": 1},
        {"score": float("nan")},
        {"overlap": 2},
        {"bgr": True},
    ],
)
def test_options_that_make_no_sense_are_a_fault(tmp_path: Path, options: dict[str, Any]) -> None:
    with pytest.raises(ModelFault):
        opened(tmp_path, **options)


@pytest.mark.parametrize("output", ["cls_8", "kps_32"])
def test_a_model_without_the_outputs_is_not_opened(tmp_path: Path, output: str) -> None:
    with pytest.raises(ModelFault, match=f"no output {output}"):
        opened(tmp_path, redfaces(without=output))


def test_a_card_of_two_files_is_a_fault(tmp_path: Path) -> None:
    path = write_yunet(tmp_path)
    values = json.loads(path.read_text())
    path.write_text(json.dumps({**values, "files": {**values["files"], "b.onnx": "0" * 64}}))
    with pytest.raises(ModelFault, match="2 ONNX files"):
        YuNet(find_card("redfaces", tmp_path))


def test_an_altered_file_is_refused(tmp_path: Path) -> None:
    write_yunet(tmp_path)
    (tmp_path / "redfaces.onnx").write_bytes(b"other")
    with pytest.raises(DigestMismatch):
        YuNet(find_card("redfaces", tmp_path))


@pytest.mark.parametrize(
    "change", [lambda outputs: [out[:, :-1] for out in outputs], lambda outputs: [out[..., :1] for out in outputs]]
)
def test_outputs_of_another_form_are_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[list[np.ndarray]], list[np.ndarray]]
) -> None:
    finder, run = opened(tmp_path), Session.run_all
    monkeypatch.setattr(Session, "run_all", lambda self, batch: change(run(self, batch)))
    with pytest.raises(ModelFault, match="not \\(1, "):
        finder(GREY)


def test_nan_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(ModelFault, match="finite"):
        opened(tmp_path, redfaces(gain=float("nan")))(GREY)


def test_a_face_smaller_than_the_card_allows_is_left_out(tmp_path: Path) -> None:
    image = portrait(LIGHT)
    (box,) = opened(tmp_path, score=0.5)(image).boxes
    side = int(min(box[2:]))
    assert len(opened(tmp_path, score=0.5, least_size=side)(image)) == 1
    assert len(opened(tmp_path, score=0.5, least_size=side + 1)(image)) == 0
    assert len(opened(tmp_path, score=0.5, least_size=side + 1)(np.zeros((64, 64, 3), np.uint8))) == 0


def test_a_face_that_the_border_cuts_through_is_left_out_where_the_card_says_so(tmp_path: Path) -> None:
    image = np.random.default_rng(2).integers(0, 256, (80, 100, 3), np.uint8)
    options = {"size": SIDE, "searched": [SIDE], "score": 0.5}
    every, whole = (opened(tmp_path, noise(0), whole=each, **options)(image) for each in (False, True))
    inside = ((every.landmarks >= 0) & (every.landmarks <= (100, 80))).all(axis=(1, 2))
    assert 0 < inside.sum() < len(every)
    assert np.array_equal(whole.landmarks, every.landmarks[inside])
