"""countermark benchmark over a detector that goes by brightness."""

import json
from pathlib import Path
from typing import ClassVar
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from detectors import Inference
from service.classifier import Classifier, Thresholds
from service.cli import benchmark
from service.cli.app import app
from service.errors import BadRequest
from service.pictures import Limits

runner = CliRunner()


class Brightness:
    synthetic_above: ClassVar = {"0.05": 0.6, "0.01": 0.9}

    def __call__(self, rgb: np.ndarray, _quality: int | None) -> Inference:
        p = float(rgb.mean()) / 255
        return Inference(p, (p, p), (), (), self.synthetic_above, 0.1, "bright/1", True)


@pytest.fixture(autouse=True)
def _bright(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Classifier(Brightness(), Limits(1 << 20, 1 << 20), 0.05)  # type: ignore[arg-type]
    monkeypatch.setattr(benchmark, "open_classifier", lambda _settings: made)


def fill(folder: Path, count: int, low: int, high: int) -> None:
    folder.mkdir(parents=True)
    for number, value in enumerate(np.linspace(low, high, count)):
        Image.new("RGB", (600, 8), (int(value),) * 3).save(folder / f"{number:03}.png")


@pytest.fixture
def folders(tmp_path: Path) -> tuple[str, ...]:
    fill(tmp_path / "real" / "phones", 6, 0, 140)
    fill(tmp_path / "real" / "scans", 6, 10, 170)
    fill(tmp_path / "fake" / "one", 5, 160, 250)
    return ("--real", str(tmp_path / "real"), "--fake", str(tmp_path / "fake"))


def run(*words: str) -> Result:
    return runner.invoke(app, ["benchmark", *words])


def test_figures_and_folders(folders: tuple[str, ...]) -> None:
    done = run(*folders, "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    stored, posted = found["figures"]
    assert (stored["condition"], stored["real"], stored["fake"]) == ("stored", 12, 5)
    assert 0.95 < stored["auroc"] < 1
    assert abs(posted["auroc"] - stored["auroc"]) < 0.05
    groups = {group["group"]: group for group in found["groups"]}
    assert groups["phones"]["flagged"]["stored"] == 0
    assert groups["phones"]["auroc"] is None
    assert groups["one"]["flagged"]["stored"] == 1.0
    assert groups["scans"]["flagged"]["stored"] == pytest.approx(1 / 6)


def test_people_get_tables(folders: tuple[str, ...]) -> None:
    done = run(*folders)
    assert done.exit_code == 0
    for word in ("AUROC", "posted", "phones", "synthetic"):
        assert word in done.stdout


def test_the_page_has_charts_and_nothing_from_elsewhere(folders: tuple[str, ...], tmp_path: Path) -> None:
    assert run(*folders, "--out", str(tmp_path / "out")).exit_code == 0
    page = (tmp_path / "out" / "index.html").read_text()
    root = ElementTree.fromstring(page.removeprefix("<!doctype html>\n"))
    assert len(root.findall(".//svg")) == 2
    assert "http" not in page
    assert "<script" not in page
    assert json.loads((tmp_path / "out" / "report.json").read_text())["calibration"] == "bright/1"
    again = run(*folders, "--out", str(tmp_path / "out"))
    assert isinstance(again.exception, BadRequest)
    assert run(*folders, "--out", str(tmp_path / "out"), "--force").exit_code == 0


def test_thresholds_come_from_these_pictures(tmp_path: Path) -> None:
    fill(tmp_path / "real", 100, 0, 140)
    fill(tmp_path / "fake", 20, 120, 250)
    path = tmp_path / "thresholds.json"
    done = run("--real", str(tmp_path / "real"), "--fake", str(tmp_path / "fake"), "--thresholds", str(path))
    assert done.exit_code == 0, done.output
    own = Thresholds.load(path)
    assert own.calibration == "bright/1"
    assert own.synthetic_above["0.05"] == pytest.approx(133 / 255, abs=0.01)
    assert own.synthetic_above["0.05"] < own.synthetic_above["0.01"]


def test_too_few_pictures_make_no_thresholds(folders: tuple[str, ...], tmp_path: Path) -> None:
    done = run(*folders, "--thresholds", str(tmp_path / "t.json"))
    assert isinstance(done.exception, BadRequest)
    assert not (tmp_path / "t.json").exists()


def test_a_broken_picture_is_named_and_left_out(folders: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "real" / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    done = run(*folders, "--json")
    assert json.loads(done.stdout)["figures"][0]["real"] == 12
    assert "bad.png left out" in done.stderr


def test_a_limit_takes_evenly(folders: tuple[str, ...]) -> None:
    figures = json.loads(run(*folders, "--json", "--limit", "3").stdout)["figures"][0]
    assert figures["real"] == 3
    assert 1 <= figures["fake"] <= 3


def test_a_missing_folder(tmp_path: Path) -> None:
    assert isinstance(run("--real", str(tmp_path / "none"), "--fake", str(tmp_path)).exception, BadRequest)
