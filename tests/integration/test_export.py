"""countermark models add-classifier and pull on a local folder that looks as hubs keep theirs."""

import hashlib
import json
from pathlib import Path

import huggingface_hub.constants
import numpy as np
import pytest
import torch
from transformers import ViTConfig, ViTForImageClassification
from typer.testing import CliRunner, Result

from detectors import Member
from models import find_card
from service.cli.app import app
from service.examiner.assembly import open_classifier
from service.kit.errors import BadRequest, Unavailable
from service.kit.model_store import CARDS_FOLDER, store
from service.kit.settings import load_settings
from service.media.pictures import encode

runner = CliRunner()
PROCESSOR = {"size": {"height": 32, "width": 32}, "image_mean": [0.5] * 3, "image_std": [0.5] * 3, "do_normalize": True}
REVISION = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COUNTERMARK_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    return tmp_path / "home"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_vit(tmp_path / "vit", {0: "human", 1: "artificial"})


def write_vit(folder: Path, labels: dict[int, str]) -> Path:
    torch.manual_seed(0)
    size = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    config = ViTConfig(
        **size, image_size=32, patch_size=16, id2label=labels, label2id={v: k for k, v in labels.items()}
    )
    ViTForImageClassification(config).save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(PROCESSOR))
    (folder / "README.md").write_text("---\nlicense: apache-2.0\ntags: [x]\n---\n# A model\n")
    return folder


def export(source: Path | str, *words: str, name: str = "mine") -> Result:
    return runner.invoke(app, ["models", "add-classifier", str(source), "--name", name, "--accept-licence", *words])


def test_a_classifier_becomes_a_detector_that_gives_the_same(folder: Path, home: Path) -> None:
    done = export(folder)
    assert done.exit_code == 0, done.output
    card = find_card("mine", home / CARDS_FOLDER)
    assert (card.licence, card.options["synthetic"]) == ("apache-2.0", 1)
    grey = np.full((32, 32, 3), 200, np.uint8)
    pixels = torch.full((1, 3, 32, 32), (200 / 255 - 0.5) / 0.5)
    with torch.no_grad():
        logits = ViTForImageClassification.from_pretrained(folder).eval()(pixels).logits
    member = Member(card)
    assert member.judge([member.prepare(grey)])[0].score == pytest.approx(float(logits.softmax(1)[0, 1]), abs=1e-4)
    found = open_classifier(load_settings()).detect(encode(grey, "png")[0])
    assert [finding.detector for finding in found.findings][1:] == ["mine"]


def test_an_onnx_file_is_taken_as_it_is(folder: Path, home: Path) -> None:
    export(folder, name="first")
    (folder / "onnx").mkdir()
    (home / CARDS_FOLDER / "first.onnx").rename(folder / "onnx" / "model.onnx")
    (home / CARDS_FOLDER / "first.json").unlink()
    (folder / "model.safetensors").unlink()
    assert export(folder, "--onnx", "onnx/model.onnx").exit_code == 0
    assert Member(find_card("mine", home / CARDS_FOLDER))


def test_one_output_is_a_logit_of_its_own(tmp_path: Path, home: Path) -> None:
    assert export(write_vit(tmp_path / "one", {0: "LABEL_0"})).exit_code == 0
    assert find_card("mine", home / CARDS_FOLDER).options["activation"] == "sigmoid"


def test_labels_that_tell_nothing_have_to_be_named(tmp_path: Path, home: Path) -> None:
    folder = write_vit(tmp_path / "vague", {0: "LABEL_0", 1: "LABEL_1"})
    done = export(folder)
    assert isinstance(done.exception, Unavailable)
    assert "LABEL_0, LABEL_1" in str(done.exception)
    assert not list((home / CARDS_FOLDER).glob("*"))
    assert export(folder, "--synthetic", "LABEL_0").exit_code == 0
    assert find_card("mine", home / CARDS_FOLDER).options["synthetic"] == 0


@pytest.mark.parametrize("missing", ["model.safetensors", "config.json", "preprocessor_config.json"])
def test_a_folder_that_is_not_whole_is_refused(folder: Path, home: Path, missing: str) -> None:
    (folder / missing).unlink()
    if missing == "model.safetensors":
        torch.save({}, folder / "pytorch_model.bin")  # a pickle runs code: never read
    done = export(folder)
    assert isinstance(done.exception, Unavailable)
    assert not list((home / CARDS_FOLDER).glob("mine*"))


def test_a_licence_nobody_accepted_ends_it(folder: Path, home: Path) -> None:
    done = runner.invoke(app, ["models", "add-classifier", str(folder), "--name", "mine"])
    assert isinstance(done.exception, BadRequest)
    assert "licence apache-2.0" in done.output
    assert not (home / CARDS_FOLDER).exists()


@pytest.mark.parametrize("name", ["synthetic", "../up", "A b"])
def test_a_name_that_cannot_be_used_is_refused(folder: Path, name: str) -> None:
    assert isinstance(export(folder, name=name).exception, BadRequest)


def test_a_hub_is_asked_only_where_that_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "ALLOW_HUB" in export("somebody/model").exception.hint  # type: ignore[union-attr]
    monkeypatch.setenv("COUNTERMARK_ALLOW_HUB", "true")
    assert "could not be downloaded" in str(export("somebody/model").exception)


def test_a_hub_card_is_pulled_after_its_licence_was_accepted(folder: Path, home: Path) -> None:
    export(folder)
    cards = home / CARDS_FOLDER
    values = json.loads((cards / "mine.json").read_text())
    weights = (cards / "mine.onnx").read_bytes()
    (cards / "mine.onnx").unlink()
    source = {"kind": "hub", "repository": "somebody/model", "revision": REVISION}
    values |= {"source": source, "files": {"onnx/model.onnx": hashlib.sha256(weights).hexdigest()}}
    (cards / "mine.json").write_text(json.dumps(values))
    snapshot = (
        store(load_settings()) / "mine" / ".partial" / "models--somebody--model" / "snapshots" / REVISION / "onnx"
    )
    snapshot.mkdir(parents=True)
    (snapshot / "model.onnx").write_bytes(weights)

    with pytest.raises(Unavailable, match="models pull"):
        open_classifier(load_settings())
    refused = runner.invoke(app, ["models", "pull", "mine"])
    assert isinstance(refused.exception, BadRequest)
    done = runner.invoke(app, ["models", "pull", "mine", "--accept-licence"])
    assert done.exit_code == 0, done.output
    assert open_classifier(load_settings())


def test_a_file_that_does_not_run_is_not_taken(folder: Path, home: Path) -> None:
    (folder / "odd.onnx").write_bytes(b"garbage")
    assert isinstance(export(folder, "--onnx", "odd.onnx").exception, Unavailable)
    assert not list((home / CARDS_FOLDER).glob("*"))


def test_a_model_with_other_outputs_than_labels_is_not_taken(folder: Path, tmp_path: Path, home: Path) -> None:
    export(write_vit(tmp_path / "three", {0: "a", 1: "b", 2: "fake"}), name="three")
    (home / CARDS_FOLDER / "three.onnx").rename(folder / "three.onnx")
    (home / CARDS_FOLDER / "three.json").unlink()
    assert "3 outputs" in str(export(folder, "--onnx", "three.onnx").exception)
    assert not list((home / CARDS_FOLDER).glob("*"))


def test_what_is_there_is_not_written_over(folder: Path, home: Path) -> None:
    (home / CARDS_FOLDER).mkdir(parents=True)
    (home / CARDS_FOLDER / "mine.onnx").write_bytes(b"another card's")
    assert "already" in str(export(folder).exception)
    assert (home / CARDS_FOLDER / "mine.onnx").read_bytes() == b"another card's"


@pytest.mark.parametrize("config", ["[]", "3", '{"pretrained_cfg": {}}', '{"id2label": {"x": "fake"}}'])
def test_an_odd_configuration_is_refused(folder: Path, config: str) -> None:
    (folder / "config.json").write_text(config)
    assert isinstance(export(folder).exception, Unavailable)
