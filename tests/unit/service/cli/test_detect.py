import csv
import json
from pathlib import Path

import numpy as np
import pytest
import typer

from service.cli import detect as module
from service.examiner.classifier import Detection
from service.examiner.sections import Reason
from service.kit.errors import BadRequest, BrokenPicture
from tests.assets.hostile import picture, save


class Scripted:
    """A classifier that scores by the first byte of a file."""

    def check_rate(self, threshold_fpr: float | None) -> None:
        if threshold_fpr not in (None, 0.05):
            raise BadRequest("no such rate")

    def detect(self, data: bytes, name: str, _threshold_fpr: float | None) -> Detection:
        if not data:
            raise BrokenPicture("it is empty")
        return Detection(
            file=name,
            sha256="ab" * 32,
            state="available",
            verdict="likely_synthetic",
            p_synthetic=data[0] / 100,
            interval=(0.5, 0.75),
            warnings=[Reason(code="small", text="The image is small.")],
        )

    def heatmap(self, _data: bytes) -> tuple[np.ndarray, np.ndarray]:
        return np.zeros((8, 8, 3), np.uint8), np.ones((8, 8), np.float32)


@pytest.fixture(autouse=True)
def _scripted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "open_classifier", lambda _settings: Scripted())


@pytest.fixture
def image(tmp_path: Path) -> str:
    (tmp_path / "a.png").write_bytes(bytes([60]))
    return str(tmp_path / "a.png")


@pytest.fixture
def empty(tmp_path: Path) -> str:
    (tmp_path / "empty.png").write_bytes(b"")
    return str(tmp_path / "empty.png")


def run(*paths: str, **options: object) -> int:
    with pytest.raises(typer.Exit) as left:
        module.detect(list(paths), **options)  # type: ignore[arg-type]
    return left.value.exit_code


def test_a_verdict_for_people(image: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(image) == 0
    out = capsys.readouterr().out
    assert out == f"{image}: likely_synthetic  0.60 (0.50 to 0.75)\n  The image is small.\n"


def test_the_number_of_images_in_a_file_is_said(
    image: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    detect = Scripted.detect
    moving = lambda *given: detect(*given).model_copy(update={"frames": 2})  # noqa: E731
    monkeypatch.setattr(Scripted, "detect", moving)
    assert run(image) == 0
    assert "  The first of 2 images was judged.\n" in capsys.readouterr().out


def test_a_verdict_for_programs(image: str, empty: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(image, empty, as_json=True) == BrokenPicture.exit_code
    found, failed = map(json.loads, capsys.readouterr().out.splitlines())
    assert (found["file"], found["p_synthetic"]) == (image, 0.6)
    assert failed["error"]["code"] == BrokenPicture.code


def test_a_table_has_a_row_for_every_file(image: str, empty: str, tmp_path: Path) -> None:
    run(image, empty, to_csv=tmp_path / "table.csv")
    with (tmp_path / "table.csv").open(newline="") as table:
        good, bad = csv.DictReader(table)
    assert (good["p_synthetic"], good["low"], good["high"]) == ("0.6", "0.5", "0.75")
    assert (good["warnings"], good["error"]) == ("small", "")
    assert (bad["file"], bad["verdict"], bad["error"]) == (empty, "", BrokenPicture.code)


def test_a_table_is_not_overwritten_without_force(image: str, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("mine")
    with pytest.raises(BadRequest):
        module.detect([image], to_csv=tmp_path / "table.csv")
    assert (tmp_path / "table.csv").read_text() == "mine"
    assert run(image, to_csv=tmp_path / "table.csv", force=True) == 0


def test_a_rate_is_checked_before_any_image(image: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(BadRequest):
        module.detect([image], threshold_fpr=0.5)
    assert capsys.readouterr().out == ""


def test_a_heatmap_for_each_image(image: str, tmp_path: Path) -> None:
    run(image, heatmap=tmp_path / "maps")
    assert [path.name for path in (tmp_path / "maps").iterdir()] == ["a-abababab.png"]


def test_what_a_folder_holds_beside_images_is_named_and_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "photo").write_bytes(save(picture(size=(8, 8)), "JPEG"))
    (tmp_path / "notes.jpg").write_text("no image")
    (tmp_path / "more\x1b[2J.txt").write_text("no image")
    assert run(str(tmp_path), as_json=True) == 0
    out, err = capsys.readouterr()
    assert [json.loads(line)["file"] for line in out.splitlines()] == [str(tmp_path / "photo")]
    assert f"{tmp_path / 'notes.jpg'} skipped: " in err
    assert err.endswith("1 file read, 2 files skipped\n")
    assert "\x1b[2J" not in err
