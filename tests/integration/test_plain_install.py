"""The plain install: a wheel that holds what it should, and commands that need no torch."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = ("torch", "diffusers", "transformers", "scipy", "skimage")

BLOCKED = f"""
import sys
for name in {HEAVY!r}:
    sys.modules[name] = None  # importing it raises ImportError
from service.cli import main
main()
"""


def run(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", BLOCKED, *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--help"], 0),
        (["models", "list"], 0),
        (["verify", "docs/images/demo.png"], 4),
        (["audit", "verify"], 1),
        (["inspect", "docs/images/demo.png"], 0),
        (["serve", "--help"], 0),
    ],
)
def test_commands_work_without_torch(words: list[str], code: int) -> None:
    done = run(*words)
    assert done.returncode == code, done.stderr


def test_the_embedded_model_generates_edits_and_verifies_without_torch(tmp_path: Path) -> None:
    lake, edited = tmp_path / "lake.png", tmp_path / "edited.png"
    assert run("generate", "a lake in the snow", "--steps", "2", "--out", str(lake)).returncode == 0
    done = run("generate", "a red car", "--steps", "4", "--image", str(lake), "--out", str(edited))
    assert done.returncode == 0, done.stderr
    assert run("verify", str(edited)).stdout.count("verified") == 1


def test_another_model_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNTERMARK_PIPELINE", str(tmp_path))
    done = run("generate", "a lake", "--out", str(tmp_path / "a.png"))
    assert done.returncode == 7
    assert "countermark[generate]" in done.stderr
    assert not list(tmp_path.glob("*.png"))


@pytest.mark.parametrize(("command", "heavy"), [("inspect", HEAVY), ("verify", (*HEAVY, "onnx", "onnxruntime"))])
def test_examining_imports_nothing_heavy(command: str, heavy: tuple[str, ...]) -> None:
    script = (
        f"import sys; sys.argv = ['countermark', {command!r}, 'docs/images/demo.png']\n"
        "from service.cli.app import app\n"
        "app(standalone_mode=False)\n"
        f"sys.exit(sum(name in sys.modules for name in {heavy!r}))"
    )
    plain = {**os.environ, "COUNTERMARK_FOREIGN_WATERMARKS": "false"}  # the package of that extra imports torch
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=ROOT, env=plain
    )
    assert done.returncode == 0, done.stderr


def test_the_wheel(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, check=True, cwd=ROOT, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    for wanted in (
        "service/gateway/pipeline.py",
        "service/storage/migrations/versions/0001_ledger.py",
        "service/storage/migrations/versions/0002_blocklist.py",
        "models/cards/open_nsfw.json",
        "models/weights/scenes-256/model_index.json",
        "models/weights/scenes-256/unet/diffusion_pytorch_model.safetensors",
        "models/weights/scenes-256/vae/encoder.onnx",
        "watermark/tile/codec.py",
        "detectors/safety/open_nsfw.py",
        *(f"{package}/py.typed" for package in ("service", "detectors", "watermark", "models")),
    ):
        assert wanted in names
    tops = {name.split("/")[0] for name in names}
    assert tops == {"service", "detectors", "watermark", "models", "countermark-0.1.0.dist-info"}
    assert not [name for name in names if "training" in name or "test" in name]
