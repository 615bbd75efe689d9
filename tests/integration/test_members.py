"""An operator drops a card and an ONNX file into a folder, measures it, and it counts."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from service.cli.app import app
from service.examiner.assembly import open_classifier
from service.kit.errors import Misconfigured, Unavailable
from service.kit.model_store import CARDS_FOLDER
from service.kit.settings import load_settings
from service.media.pictures import encode
from tests.support.classifiers import write_member

runner = CliRunner()
RED = encode(np.full((64, 64, 3), (250, 5, 5), np.uint8), "png")[0]


@pytest.fixture
def cards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COUNTERMARK_HOME", str(tmp_path / "home"))
    write_member(tmp_path / "home" / CARDS_FOLDER)
    return tmp_path / "home" / CARDS_FOLDER


def fill(folder: Path, count: int, colour: tuple[int, int, int]) -> str:
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(count):
        noisy = np.clip(rng.normal(colour, 30, (32, 32, 3)), 0, 255).astype(np.uint8)
        Image.fromarray(noisy).save(folder / f"{number:03}.png")
    return str(folder)


def test_it_is_heard_and_counts_once_it_was_measured(
    cards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = open_classifier(load_settings()).detect(RED)
    assert [finding.model for finding in before.findings][1:] == ["redness@1"]
    assert "member_not_counted" in [reason.code for reason in before.reasons]

    real, fake = fill(tmp_path / "real", 100, (20, 20, 200)), fill(tmp_path / "fake", 20, (200, 20, 20))
    written = str(tmp_path / "thresholds.json")
    done = runner.invoke(app, ["benchmark", "--real", real, "--synthetic", fake, "--thresholds", written, "--json"])
    assert done.exit_code == 0, done.output
    monkeypatch.setenv("COUNTERMARK_THRESHOLDS_FILE", written)
    after = open_classifier(load_settings()).detect(RED)
    assert after.p_synthetic is not None
    assert before.p_synthetic is not None
    assert after.p_synthetic > before.p_synthetic
    assert after.calibration == f"{before.calibration}+redness@1"

    (cards / "redness.json").unlink()
    with pytest.raises(Misconfigured, match="not here"):
        open_classifier(load_settings()).detect(RED)


def test_an_altered_file_closes_the_detector(cards: Path) -> None:
    (cards / "redness.onnx").write_bytes(b"other")
    with pytest.raises(Unavailable, match="SHA-256"):
        open_classifier(load_settings())


def test_it_stands_in_the_list(cards: Path) -> None:
    done = runner.invoke(app, ["models", "list", "--json"])
    states = {one["name"]: one["state"] for one in map(json.loads, done.stdout.splitlines())}
    assert states["redness"] == "ready"


def test_a_card_with_a_name_of_ours_is_refused(cards: Path) -> None:
    values = json.loads((cards / "redness.json").read_text())
    (cards / "x.json").write_text(json.dumps({**values, "name": "synthetic"}))
    done = runner.invoke(app, ["models", "list"])
    assert isinstance(done.exception, Unavailable)
    assert "another model is named synthetic" in str(done.exception)
