import json
from pathlib import Path

import pytest

from models import ModelError, ModelFolder
from models.export import _options

TIMM = {
    "architecture": "resnet10t",
    "num_classes": 2,
    "label_names": ["camera", "generated"],
    "pretrained_cfg": {"input_size": [3, 176, 176], "mean": [0.1, 0.2, 0.3], "std": [0.4, 0.5, 0.6], "crop_pct": 0.88},
}


def source(folder: Path, config: dict[str, object], processor: dict[str, object] | None = None) -> ModelFolder:
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "preprocessor_config.json").write_text(json.dumps(processor or {}))
    return ModelFolder(folder, "a test")


def test_a_timm_models_configuration(tmp_path: Path) -> None:
    assert _options(source(tmp_path, TIMM), None)[0] == {
        "size": 176,
        "resize": 200,
        "mean": (0.1, 0.2, 0.3),
        "deviation": (0.4, 0.5, 0.6),
        "activation": "softmax",
        "synthetic": 1,
    }


@pytest.mark.parametrize(
    ("processor", "size", "resize"),
    [
        ({"size": 224}, 224, 224),
        ({"size": {"height": 384, "width": 384}}, 384, 384),
        (
            {"size": {"shortest_edge": 256}, "crop_size": 224, "do_center_crop": True},
            224,
            256,
        ),
        ({"size": {"shortest_edge": 256}, "crop_size": 224, "do_center_crop": False}, 256, 256),
    ],
)
def test_an_image_processors_sizes(tmp_path: Path, processor: dict[str, object], size: int, resize: int) -> None:
    options = _options(source(tmp_path, {"id2label": {"0": "ai", "1": "hum"}}, processor), None)[0]
    assert (options["size"], options["resize"], options["synthetic"]) == (size, resize, 0)


def test_a_processor_that_does_not_normalise(tmp_path: Path) -> None:
    options = _options(source(tmp_path, {}, {"size": 64, "do_normalize": False}), "LABEL_1")[0]
    assert (options["mean"], options["deviation"], options["synthetic"]) == ((0, 0, 0), (1, 1, 1), 1)


def test_what_states_no_size_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no input size"):
        _options(source(tmp_path, {"id2label": {"0": "real", "1": "fake"}}), None)


@pytest.mark.parametrize(
    ("readme", "licence"),
    [
        ("---\nlicense: mit\n---\n", "mit"),
        ("# license: mit\n", "not stated"),
        ("---\ntags: []\n---\nlicense: mit", "not stated"),
    ],
)
def test_the_licence_is_what_the_header_declares(tmp_path: Path, readme: str, licence: str) -> None:
    (tmp_path / "README.md").write_text(readme)
    assert ModelFolder(tmp_path, "a test").licence == licence


@pytest.mark.parametrize(
    ("labels", "wanted", "options"),
    [
        (["ai_generated", "real"], None, {"synthetic": 0}),
        (["real", "SDXL"], "SDXL", {"synthetic": 1}),
        (["LABEL_0"], None, {"synthetic": 0, "inverted": False, "activation": "sigmoid"}),
        (["fake"], None, {"inverted": False}),
        (["real"], "not real", {"inverted": True}),
    ],
)
def test_what_means_synthetic(
    tmp_path: Path, labels: list[str], wanted: str | None, options: dict[str, object]
) -> None:
    config: dict[str, object] = {"id2label": dict(enumerate(labels))}
    found, outputs = _options(source(tmp_path, config, {"size": 32}), wanted)
    assert outputs == len(labels)
    assert found.items() >= options.items()


@pytest.mark.parametrize(
    ("labels", "wanted"),
    [
        (["not fake", "ok"], None),
        (["Not-AI", "SDXL"], None),
        (["fake", "artificial"], None),
        (["real"], None),
        (["real"], "nothing"),
        (["real", "fake"], "nothing"),
    ],
)
def test_labels_that_leave_it_open_are_asked_about(tmp_path: Path, labels: list[str], wanted: str | None) -> None:
    with pytest.raises(ModelError, match="which label"):
        _options(source(tmp_path, {"id2label": dict(enumerate(labels))}, {"size": 32}), wanted)
