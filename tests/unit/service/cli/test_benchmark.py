import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from service.cli import benchmark as module
from service.examiner.inference import Inferred
from service.kit.errors import BadRequest
from service.media.pictures import Picture, encode


class Brightness:
    """A classifier that takes dark images for synthetic."""

    def infer(self, picture: Picture) -> Inferred:
        p = round(1 - float(picture.rgb.mean()) / 255, 4)
        return Inferred(
            state="available",
            verdict="likely_synthetic" if p > 0.5 else "likely_camera",
            p_synthetic=p,
            interval=(p, p),
            calibration="test/1",
        )


@pytest.fixture(autouse=True)
def _brightness(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "open_classifier", lambda _settings: Brightness())


Folders = Callable[..., tuple[Path, Path]]


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    def make(count: int = 4) -> tuple[Path, Path]:
        for name, base in (("real", 200), ("fake", 20)):
            for number in range(count):
                path = tmp_path / name / f"[b]{number % 2}" / f"{number}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(encode(np.full((16, 16, 3), base + number, np.uint8), "png")[0])
        return tmp_path / "real", tmp_path / "fake"

    return make


def test_figures_by_folder(folders: Folders, capsys: pytest.CaptureFixture[str]) -> None:
    module.benchmark(*folders(), as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert [(f["condition"], f["real"], f["fake"], f["auroc"]) for f in found["figures"]] == [
        ("stored", 4, 4, 1.0),
        ("posted", 4, 4, 1.0),
    ]
    assert [(g["group"], g["fake"], g["pictures"]) for g in found["groups"]] == [
        ("[b]0", False, 2), ("[b]1", False, 2), ("[b]0", True, 2), ("[b]1", True, 2)
    ]  # fmt: skip


def test_sub_folders_are_kinds(folders: Folders, capsys: pytest.CaptureFixture[str]) -> None:
    real, fake = folders()
    (real / "[b]1" / "1.png").write_bytes(encode(np.full((16, 16, 3), 20, np.uint8), "png")[0])  # it looks synthetic
    module.benchmark(real, fake, as_json=True)
    found = json.loads(capsys.readouterr().out)
    even, odd = found["kinds"]
    assert (even["kind"], even["real"], even["synthetic"], even["auroc"]) == ("[b]0", 2, 2, {"stored": 1, "posted": 1})
    assert even["false_positives"] == {"stored": 0, "posted": 0}
    assert odd["false_positives"] == {"stored": 0.5, "posted": 0.5}
    assert odd["recall"] == {"stored": 1, "posted": 1}
    low, high = odd["false_positives_interval"]["stored"]
    assert 0 < low < 0.5 < high < 1
    assert [(f["decided"], f["accuracy"]) for f in found["figures"]] == [(1.0, 7 / 8)] * 2


def test_a_table_names_kinds(folders: Folders, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    labels = tmp_path / "kinds.csv"
    labels.write_text("file,kind\n[b]0/0.png,portrait\n[b]1/1.png, night \n[b]0/2.png,\n", encoding="utf-8-sig")
    module.benchmark(*folders(), labels=labels, as_json=True)
    kinds = json.loads(capsys.readouterr().out)["kinds"]
    assert [(k["kind"], k["real"], k["synthetic"]) for k in kinds] == [("night", 1, 1), ("portrait", 1, 1)]


def test_a_kind_of_one_class_has_no_rate_of_the_other(folders: Folders, capsys: pytest.CaptureFixture[str]) -> None:
    real, fake = folders()
    (real / "[b]0").rename(real / "only")
    module.benchmark(real, fake, as_json=True)
    of = {k["kind"]: k for k in json.loads(capsys.readouterr().out)["kinds"]}
    assert (of["only"]["recall"], of["only"]["auroc"], of["only"]["false_positives"]["stored"]) == (None, None, 0)
    assert (of["[b]0"]["false_positives"], of["[b]0"]["false_positives_interval"]) == (None, None)


def test_one_folder_and_its_labels(folders: Folders, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folders()
    labels = tmp_path / "labels.csv"
    lines = [
        f"{name}/[b]{n % 2}/{n}.png,{label},night"
        for name, label in (("real", "real"), ("fake", "synthetic"))
        for n in (0, 1)
    ]
    labels.write_text("\n".join(["file,label,kind", *lines, "real/[b]0/2.png,,", "gone.png,real,"]))
    module.benchmark(images=tmp_path, labels=labels, as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert [(f["real"], f["fake"], f["auroc"]) for f in found["figures"]] == [(2, 2, 1.0)] * 2
    assert [(k["kind"], k["real"], k["synthetic"]) for k in found["kinds"]] == [("night", 2, 2)]


@pytest.mark.parametrize("named", [("real",), ("synthetic",), ("images",), ("images", "real", "labels"), ()])
def test_folders_that_do_not_go_together(folders: Folders, named: tuple[str, ...]) -> None:
    with pytest.raises(BadRequest, match="both classes"):
        module.benchmark(**dict.fromkeys(named, folders()[0]))  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["name,kind\na.png,b\n", "file,kind\na.png\n", "", b"\xff\xfe,"])
def test_a_table_that_is_none(folders: Folders, tmp_path: Path, text: str | bytes) -> None:
    labels = tmp_path / "kinds.csv"
    labels.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(BadRequest, match="not a table of kinds"):
        module.benchmark(*folders(), labels=labels)
    with pytest.raises(BadRequest, match="cannot be read"):
        module.benchmark(*folders(), labels=tmp_path / "none.csv")


def test_tables_for_people(
    folders: Folders, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    module.benchmark(*folders())
    out = capsys.readouterr().out
    assert "Detector test/1" in out
    assert "[b]0" in out  # a folder's name is not markup


def test_a_page_with_charts_and_a_report(folders: Folders, tmp_path: Path) -> None:
    out = tmp_path / "out"
    module.benchmark(*folders(), out=out)
    assert json.loads((out / "report.json").read_text())["calibration"] == "test/1"
    assert "<svg" in (out / "index.html").read_text()
    with pytest.raises(BadRequest):
        module.benchmark(*folders(), out=out)  # files that are there stay


def test_an_unreadable_image_is_named_and_left_out(folders: Folders, capsys: pytest.CaptureFixture[str]) -> None:
    real, fake = folders()
    (real / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n not an image")
    module.benchmark(real, fake, as_json=True)
    out, err = capsys.readouterr()
    assert json.loads(out)["figures"][0]["real"] == 4
    assert "broken.png left out" in err
    assert "1 of 9 images left out" in err


def test_a_limit_takes_evenly_from_each_class(folders: Folders, capsys: pytest.CaptureFixture[str]) -> None:
    module.benchmark(*folders(), limit=2, as_json=True)
    assert [g["pictures"] for g in json.loads(capsys.readouterr().out)["groups"]] == [1, 1, 1, 1]


def test_too_few_images_for_thresholds_are_refused_before_any_is_judged(folders: Folders, tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="too few for thresholds"):
        module.benchmark(*folders(), own_thresholds=tmp_path / "thresholds.json")
    assert not (tmp_path / "thresholds.json").exists()


def test_a_folder_must_hold_images(folders: Folders, tmp_path: Path) -> None:
    real, _ = folders()
    with pytest.raises(BadRequest, match="is not a folder"):
        module.benchmark(real, tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadRequest):
        module.benchmark(real, tmp_path / "empty")
