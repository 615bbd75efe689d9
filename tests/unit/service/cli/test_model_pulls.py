import hashlib
import zipfile
from pathlib import Path

import pytest

from models import Card
from service.cli.model_pulls import confirm_licence, pull_shown
from service.kit.errors import BadRequest
from service.kit.settings import Settings


def test_a_licence_is_shown_and_must_be_accepted(capsys: pytest.CaptureFixture[str]) -> None:
    confirm_licence("far@1", "Strange-1.0", accepted=True)
    assert "far@1: licence Strange-1.0" in capsys.readouterr().err
    with pytest.raises(BadRequest, match="not accepted"):
        confirm_licence("far@1", "Strange-1.0", accepted=False)


def test_the_files_go_into_the_home_folder(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wheel = tmp_path / "far_weights-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("far_weights/a.onnx", b"weights")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    source = {"kind": "wheel", "distribution": "far-weights", "version": "1.0", "path": "far_weights"}
    card = Card.model_validate(
        {
            "name": "far",
            "version": "1",
            "task": "image-features",
            "licence": "MIT",
            "summary": "A file.",
            "source": {**source, "sha256": hashlib.sha256(wheel.read_bytes()).hexdigest()},
            "files": {"a.onnx": hashlib.sha256(b"weights").hexdigest()},
        }
    )
    assert pull_shown(card, settings).read("a.onnx") == b"weights"
    assert (settings.home / "models" / "far" / "1" / "a.onnx").exists()
    assert capsys.readouterr().out == ""
