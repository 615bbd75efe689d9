"""countermark detect and models pull, through the command line."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from skimage import data as photos
from typer.testing import CliRunner, Result

from service.cli.app import app
from service.examiner.assembly import ENCODER
from service.kit.errors import BadRequest, Error, Unavailable
from service.kit.model_store import store
from service.kit.settings import Settings
from tests.support.encoders import write_encoder

runner = CliRunner()


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    (folder / "deep").mkdir(parents=True)
    Image.fromarray(photos.astronaut()).save(folder / "a.png")
    Image.fromarray(photos.coffee()).save(folder / "deep" / "b.jpg", quality=90)
    (folder / "notes.txt").write_text("not a picture")
    return folder


def detect(*words: str) -> Result:
    return runner.invoke(app, ["detect", *words])


def lines(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]


def test_a_folder_gives_a_line_for_each_picture(pictures: Path) -> None:
    done = detect(str(pictures), "--json")
    assert done.exit_code == 0, done.output
    found = lines(done)
    assert [Path(str(one["file"])).name for one in found] == ["a.png", "b.jpg"]
    for one in found:
        low, high = one["interval"]
        assert 0 <= low <= one["p_synthetic"] <= high <= 1
        assert one["verdict"] in ("likely_synthetic", "inconclusive", "likely_camera")
        assert one["reasons"]


def test_globs_and_several_paths(pictures: Path) -> None:
    done = detect(f"{pictures}/**/*.jpg", str(pictures / "a.png"), "--json")
    assert [Path(str(one["file"])).name for one in lines(done)] == ["b.jpg", "a.png"]


def test_a_stricter_rate_asks_for_more(pictures: Path) -> None:
    (loose,) = lines(detect(str(pictures / "a.png"), "--json"))
    (strict,) = lines(detect(str(pictures / "a.png"), "--json", "--threshold-fpr", ".01"))
    assert strict["synthetic_above"] > loose["synthetic_above"]
    assert strict["p_synthetic"] == loose["p_synthetic"]
    assert isinstance(detect(str(pictures), "--threshold-fpr", ".3").exception, BadRequest)


def test_people_get_words(pictures: Path) -> None:
    done = detect(str(pictures / "a.png"))
    assert done.exit_code == 0
    assert "a.png: " in done.stdout
    assert "countermark models pull" in done.stdout


def test_a_broken_file_does_not_keep_the_others(pictures: Path, tmp_path: Path) -> None:
    (pictures / "0.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    table = tmp_path / "table.csv"
    done = detect(str(pictures), "--json", "--csv", str(table))
    assert done.exit_code == 5
    first, *rest = lines(done)
    assert first["error"]["code"] == "broken_picture"
    assert len(rest) == 2
    rows = list(csv.DictReader(table.read_text().splitlines()))
    assert [row["error"] for row in rows] == ["broken_picture", "", ""]
    assert float(rows[1]["p_synthetic"]) == rest[0]["p_synthetic"]


def size_of(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def test_a_heatmap_is_a_picture_of_the_picture(pictures: Path, tmp_path: Path) -> None:
    folder = tmp_path / "heat"
    done = detect(str(pictures), "--heatmap", str(folder))
    assert done.exit_code == 0
    assert sorted(p.name.split("-")[0] for p in folder.iterdir()) == ["a", "b"]
    assert all(size_of(path)[0] >= 500 for path in folder.iterdir())


def test_standard_input(pictures: Path) -> None:
    done = runner.invoke(app, ["detect", "-", "--json"], input=(pictures / "a.png").read_bytes())
    (found,) = lines(done)
    assert found["file"] == "-"


@pytest.mark.parametrize("path", ["nowhere.png", "nothing/*.png"])
def test_what_is_not_there(path: str, tmp_path: Path) -> None:
    done = detect(str(tmp_path / path), "--json")
    assert done.exit_code != 0
    assert isinstance(done.exception, SystemExit | Error)


def test_a_pulled_encoder_takes_part(pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    card = write_encoder(store(Settings()) / ENCODER / "1")
    monkeypatch.setattr("service.examiner.assembly.find_card", lambda _name: card)
    (found,) = lines(detect(str(pictures / "a.png"), "--json"))
    assert [finding["detector"] for finding in found["findings"]] == ["representation"]
    assert [reason["code"] for reason in found["reasons"]] != ["encoder_missing"]


def test_an_altered_encoder_is_no_reason_to_guess(pictures: Path) -> None:
    folder = store(Settings()) / ENCODER / "1"
    folder.mkdir(parents=True)
    (folder / "clip_encoder.int8.onnx").write_bytes(b"altered")
    done = detect(str(pictures / "a.png"), "--json")
    assert isinstance(done.exception, Unavailable)
    report = runner.invoke(app, ["inspect", str(pictures / "a.png"), "--json"])
    inferred = json.loads(report.stdout)["inferred"]
    assert (inferred["state"], inferred["p_synthetic"]) == ("not_available", None)
    assert "SHA-256" in inferred["reasons"][0]["text"]


def test_inspect_tells_what_the_classifiers_say(pictures: Path) -> None:
    report = json.loads(runner.invoke(app, ["inspect", str(pictures / "a.png"), "--json"]).stdout)
    (alone,) = lines(detect(str(pictures / "a.png"), "--json"))
    assert report["inferred"]["p_synthetic"] == alone["p_synthetic"]
    verify = runner.invoke(app, ["verify", str(pictures / "a.png"), "--json"])
    assert json.loads(verify.stdout)["inferred"]["state"] == "not_asked"


def test_pulling_what_is_shipped_says_so() -> None:
    done = runner.invoke(app, ["models", "pull", "synthetic"])
    assert isinstance(done.exception, Unavailable)
    assert "nothing to download" in str(done.exception)
    assert isinstance(runner.invoke(app, ["models", "pull", "none"]).exception, Unavailable)


def test_a_thumbnail_is_judged_with_a_warning(tmp_path: Path) -> None:
    out = io.BytesIO()
    Image.fromarray(photos.astronaut()[:100, :100]).save(out, "PNG")
    (tmp_path / "t.png").write_bytes(out.getvalue())
    (found,) = lines(detect(str(tmp_path / "t.png"), "--json"))
    assert found["verdict"] == "inconclusive"
    assert [w["code"] for w in found["warnings"]] == ["too_small"]
    assert isinstance(found["p_synthetic"], float)


def test_an_altered_model_is_an_exit_code_of_the_list() -> None:
    assert runner.invoke(app, ["models", "list"]).exit_code == 0
    folder = store(Settings()) / ENCODER / "1"
    folder.mkdir(parents=True)
    (folder / "clip_encoder.int8.onnx").write_bytes(b"altered")
    done = runner.invoke(app, ["models", "list", "--json"])
    assert done.exit_code == Unavailable.exit_code
    states = {card["name"]: card["state"] for card in lines(done)}
    assert str(states[ENCODER]).startswith("unusable")
    assert states["synthetic"] == "ready"
