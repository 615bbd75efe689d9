from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.onnx_classifier import ClassifierOptions, OnnxClassifier, options_of
from models import Card, ModelFault, find_card
from tests.support.classifiers import redness, write_safety

PLAIN: dict[str, Any] = {"size": 32, "mean": (0, 0, 0), "deviation": (1, 1, 1)}
RED, BLUE = (np.full((90, 130, 3), colour, np.uint8) for colour in ((255, 0, 0), (0, 0, 255)))


def card_of(folder: Path, model: bytes | None = None) -> Card:
    write_safety(folder, model=model)
    return find_card("redness", folder)


@pytest.fixture
def card(tmp_path: Path) -> Card:
    return card_of(tmp_path)


def classifier(card: Card, **options: object) -> OnnxClassifier:
    return OnnxClassifier(card, ClassifierOptions.model_validate({**PLAIN, **options}))


def halves(width: int = 64, height: int = 64) -> NDArray[np.uint8]:
    """Black on the left, white on the right."""
    image = np.zeros((height, width, 3), np.uint8)
    image[:, width // 2 :] = 255
    return image


def test_the_input_is_normalised_by_channel(card: Card) -> None:
    ready = classifier(card, mean=(0.5, 0, 0), deviation=(0.5, 1, 2)).prepare(RED)
    assert ready.shape == (3, 32, 32)
    assert ready.dtype == np.float32
    assert ready.flags.c_contiguous
    assert ready.mean(axis=(1, 2)).tolist() == pytest.approx([1, 0, 0])


def test_only_the_centre_square_is_used_unless_the_whole_is_asked_for(card: Card) -> None:
    wide = np.zeros((32, 96, 3), np.uint8)
    wide[:, :32] = wide[:, 64:] = 255
    assert classifier(card).prepare(wide).max() == 0
    assert classifier(card, whole=True).prepare(wide).mean() == pytest.approx(2 / 3, abs=0.05)


def test_a_larger_resize_is_cropped_to_the_centre(card: Card) -> None:
    image = np.zeros((64, 64, 3), np.uint8)
    image[16:48, 16:48] = 255
    assert classifier(card, resize=64).prepare(image).min() == 1
    assert classifier(card, resize=16).prepare(image).min() == 0, "never below the size"


def test_a_small_image_is_enlarged_and_a_large_one_averaged(card: Card) -> None:
    for side in (16, 320):
        ready = classifier(card).prepare(halves(side, side))
        assert ready.shape == (3, 32, 32)
        assert ready.mean() == pytest.approx(0.5, abs=0.02)


def test_outputs_are_those_of_each_image_alone(card: Card) -> None:
    model = classifier(card)
    ready = [model.prepare(image) for image in (RED, BLUE)]
    together = model.outputs(ready)
    assert together.shape == (2, 2)
    assert np.array_equal(together[1:], model.outputs(ready[1:]))
    assert together[0, 1] > together[1, 1]


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_an_activation_makes_probabilities(card: Card, activation: str) -> None:
    model = classifier(card, activation=activation)
    ready = [model.prepare(RED)]
    outputs, found = model.outputs(ready), model.probabilities(ready)
    expected = 1 / (1 + np.exp(-outputs)) if activation == "sigmoid" else np.exp(outputs) / np.exp(outputs).sum()
    assert found == pytest.approx(expected, abs=1e-6)


def test_outputs_that_are_no_probabilities_name_the_activation(card: Card) -> None:
    model = classifier(card, activation="none")
    with pytest.raises(ModelFault, match="activation"):
        model.probabilities([model.prepare(RED)])


def test_a_model_that_finds_boxes_is_not_a_classifier(tmp_path: Path) -> None:
    model = classifier(card_of(tmp_path, redness(boxes=3)))
    with pytest.raises(ModelFault, match="not one number per class"):
        model.outputs([model.prepare(RED)])


def test_an_output_must_exist(card: Card) -> None:
    classifier(card).require(1, 2)
    with pytest.raises(ModelFault, match="no output 2"):
        classifier(card).require(2, 2)


def test_other_options_are_another_classifier(card: Card) -> None:
    assert classifier(card).digest == classifier(card).digest != classifier(card, whole=True).digest


@pytest.mark.parametrize("count", [0, 2])
def test_a_card_lists_exactly_one_onnx_file(card: Card, count: int) -> None:
    files = {f"{number}.onnx": "0" * 64 for number in range(count)} | {"labels.txt": "0" * 64}
    with pytest.raises(ModelFault, match=f"{count} ONNX files"):
        classifier(card.model_copy(update={"files": files}))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"size": 8},
        {"size": 32, "surprise": 1},
        {"size": 32, "deviation": (0, 1, 1)},
        {"size": 32, "mean": (float("inf"), 0, 0)},
        {"size": 32, "activation": "relu"},
    ],
)
def test_options_that_make_no_sense_are_a_fault_of_the_card(card: Card, options: dict[str, object]) -> None:
    with pytest.raises(ModelFault, match="redness@1"):
        options_of(card.model_copy(update={"options": options}), ClassifierOptions)


def test_options_have_the_defaults_of_imagenet(card: Card) -> None:
    options = options_of(card.model_copy(update={"options": {"size": 224}}), ClassifierOptions)
    assert options.mean == (0.485, 0.456, 0.406)
    assert (options.resize, options.whole, options.activation) == (None, False, "softmax")


def test_resizing_is_that_of_opencv(card: Card) -> None:
    """Other kernels give other scores: the options name none."""
    image = np.random.default_rng(1).integers(0, 256, (100, 100, 3), np.uint8)
    expected = cv2.resize(image, (32, 32), interpolation=cv2.INTER_AREA).transpose(2, 0, 1) / 255
    assert classifier(card).prepare(image) == pytest.approx(expected, abs=1e-6)
