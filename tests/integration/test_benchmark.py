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
from service.cli import benchmark
from service.cli.app import app
from service.examiner.classifier import Classifier, Thresholds
from service.kit.errors import BadRequest
from service.kit.settings import Settings
from service.media.pictures import ImageLimits

runner = CliRunner()


class Brightness:
    synthetic_above: ClassVar = {"0.05": 0.6, "0.01": 0.9}

    def __init__(self, scale: float = 1) -> None:
        self.scale = scale

    def prepare(self, rgb: np.ndarray, _quality: int | None) -> float:
        return self.scale * float(rgb.mean()) / 255

    def judge(self, pictures: list[float]) -> list[Inference]:
        return [Inference(p, (p, p), (), (), self.synthetic_above, 0.1, "bright/1", True) for p in pictures]


def install(monkeypatch: pytest.MonkeyPatch, scale: float = 1, thresholds: Thresholds | None = None) -> list[Settings]:
    """Classifiers that go by brightness; returns the settings they will have been opened with."""
    made = Classifier(Brightness(scale), ImageLimits(1 << 20, 1 << 20), 0.05, thresholds)  # type: ignore[arg-type]
    asked: list[Settings] = []

    def opened(settings: Settings) -> Classifier:
        asked.append(settings)
        return made

    monkeypatch.setattr(benchmark, "open_classifier", opened)
    return asked


@pytest.fixture(autouse=True)
def _bright(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch)


def fill(folder: Path, count: int, low: int, high: int) -> None:
    folder.mkdir(parents=True)
    for number, value in enumerate(np.linspace(low, high, count)):
        Image.new("RGB", (600, 8), (int(value),) * 3).save(folder / f"{number:03}.png")


@pytest.fixture
def folders(tmp_path: Path) -> tuple[str, ...]:
    fill(tmp_path / "real" / "phones", 6, 0, 140)
    fill(tmp_path / "real" / "scans", 6, 10, 170)
    fill(tmp_path / "fake" / "one", 5, 160, 250)
    return ("--real", str(tmp_path / "real"), "--synthetic", str(tmp_path / "fake"))


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
    for word in ("condition", "AUROC", "90 % interval", "ECE", "posted", "phones", "synthetic"):
        assert word in done.stdout, "cut off at 80 columns"


def test_the_page_has_charts_and_nothing_from_elsewhere(folders: tuple[str, ...], tmp_path: Path) -> None:
    assert run(*folders, "--out", str(tmp_path / "out")).exit_code == 0
    page = (tmp_path / "out" / "index.html").read_text()
    root = ElementTree.fromstring(page.removeprefix("<!doctype html>\n"))
    charts = root.findall(".//svg")
    assert [chart.get("aria-label") for chart in charts] == ["ROC", "Calibration", "Scores, stored", "Scores, posted"]
    for chart in charts:
        keys = [line.get("class") for line in chart.findall("line")]
        assert len(chart.findall("polyline")) == 2
        assert {"key c0", "key c1"} <= set(keys)
    assert "prefers-color-scheme" in page
    assert "http" not in page
    assert "<script" not in page
    assert json.loads((tmp_path / "out" / "report.json").read_text())["calibration"] == "bright/1"
    again = run(*folders, "--out", str(tmp_path / "out"))
    assert isinstance(again.exception, BadRequest)
    assert run(*folders, "--out", str(tmp_path / "out"), "--force").exit_code == 0


def test_thresholds_come_from_these_pictures(tmp_path: Path) -> None:
    path = tmp_path / "thresholds.json"
    done = run(*enough(tmp_path), "--thresholds", str(path))
    assert done.exit_code == 0, done.output
    own = Thresholds.load(path)
    assert own.calibration == "bright/1"
    assert own.synthetic_above["0.05"] == pytest.approx(133 / 255, abs=0.01)
    assert own.synthetic_above["0.05"] < own.synthetic_above["0.01"]


def enough(tmp_path: Path) -> tuple[str, ...]:
    fill(tmp_path / "real", 100, 0, 140)
    fill(tmp_path / "fake", 20, 120, 250)
    return ("--real", str(tmp_path / "real"), "--synthetic", str(tmp_path / "fake"))


def test_thresholds_keep_their_rates_where_scores_are_tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every real score rounds to 0.0000: a threshold taken from rounded scores would flag nearly every picture."""
    folders, path = enough(tmp_path), tmp_path / "thresholds.json"
    install(monkeypatch, scale=8e-5)
    assert run(*folders, "--thresholds", str(path)).exit_code == 0
    install(monkeypatch, scale=8e-5, thresholds=Thresholds.load(path))
    groups = json.loads(run(*folders, "--json").stdout)["groups"]
    (real,) = [group["flagged"] for group in groups if not group["fake"]]
    assert max(real.values()) <= 0.05


def test_a_stale_threshold_file_can_be_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its refusal says to run this very command."""
    folders, path = enough(tmp_path), tmp_path / "thresholds.json"
    monkeypatch.setenv("COUNTERMARK_THRESHOLDS_FILE", str(path))
    asked = install(monkeypatch)
    run(*folders, "--json")
    run(*folders, "--thresholds", str(path))
    assert [settings.thresholds_file for settings in asked] == [path, None]


def test_thresholds_may_lie_in_the_new_folder_of_the_report(tmp_path: Path) -> None:
    done = run(*enough(tmp_path), "--out", str(tmp_path / "new"), "--thresholds", str(tmp_path / "new" / "t.json"))
    assert done.exit_code == 0, done.output
    assert Thresholds.load(tmp_path / "new" / "t.json").calibration == "bright/1"


def test_too_few_pictures_make_no_thresholds(
    folders: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = install(monkeypatch)
    done = run(*folders, "--thresholds", str(tmp_path / "t.json"))
    assert isinstance(done.exception, BadRequest)
    assert "12 real and 5 synthetic" in done.exception.message
    assert not asked, "refused after the work"
    assert not (tmp_path / "t.json").exists()


def test_too_few_readable_pictures_leave_the_figures(tmp_path: Path) -> None:
    folders = enough(tmp_path)
    (tmp_path / "real" / "000.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    done = run(*folders, "--json", "--thresholds", str(tmp_path / "t.json"))
    assert isinstance(done.exception, BadRequest)
    assert json.loads(done.stdout)["figures"][0]["real"] == 99
    assert not (tmp_path / "t.json").exists()


def test_a_broken_picture_is_named_and_left_out(folders: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "real" / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    done = run(*folders, "--json")
    assert json.loads(done.stdout)["figures"][0]["real"] == 12
    assert "bad.png left out" in done.stderr
    assert "1 of 18 images left out" in done.stderr


def test_a_limit_takes_evenly(folders: tuple[str, ...]) -> None:
    found = json.loads(run(*folders, "--json", "--limit", "4").stdout)
    assert (found["figures"][0]["real"], found["figures"][0]["fake"]) == (4, 4)
    assert [group["pictures"] for group in found["groups"]] == [2, 2, 4]


def test_a_folder_named_like_markup(folders: tuple[str, ...], tmp_path: Path) -> None:
    fill(tmp_path / "fake" / "a[" / "b]", 2, 160, 250)
    done = run(*folders, "--out", str(tmp_path / "out"))
    assert done.exit_code == 0, done.output
    assert "a[/b]" in done.stdout


def test_a_missing_folder(tmp_path: Path) -> None:
    assert isinstance(run("--real", str(tmp_path / "none"), "--synthetic", str(tmp_path)).exception, BadRequest)


def test_a_folder_without_pictures(folders: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    refused = run(*folders[:2], "--synthetic", str(tmp_path / "empty")).exception
    assert isinstance(refused, BadRequest)
    assert "PNG" in refused.hint
