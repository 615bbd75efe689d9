"""countermark inspect and the marks, as it is typed."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data as photos

from service.installation import Installation
from tests.support.commands import Run, runner


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], installation: Installation) -> Run:
    return runner(monkeypatch, capsys, 200)


@pytest.fixture
def edited(installation: Installation, tmp_path: Path) -> Path:
    """A marked picture with a part pasted over."""
    marked = installation.codec.embed(photos.astronaut(), 42)
    marked[100:300, 250:450] = photos.coffee()[100:300, 250:450]
    Image.fromarray(marked).save(tmp_path / "edited.png")
    return tmp_path / "edited.png"


def test_inspect_shows_where_the_mark_still_is(run: Run, edited: Path, tmp_path: Path) -> None:
    code, out, _ = run("inspect", edited, "--heatmap", tmp_path / "maps")
    assert code == 0
    assert "of the image" in out
    (path,) = (tmp_path / "maps").iterdir()
    assert path.name.startswith("edited-")
    with Image.open(path) as image:
        shown = np.asarray(image.convert("RGB")).astype(int)
    assert shown.shape == (512, 512, 3)
    redder = shown[..., 0] - shown[..., 2]
    assert redder[150:250, 300:400].mean() < redder[50:450, 20:150].mean() - 40


def test_a_picture_without_a_mark_has_no_map(run: Run, tmp_path: Path) -> None:
    Image.fromarray(photos.coffee()).save(tmp_path / "plain.png")
    assert run("inspect", tmp_path / "plain.png", "--heatmap", tmp_path / "maps")[0] == 0
    assert list((tmp_path / "maps").iterdir()) == []


def test_a_folder_that_cannot_be_made(run: Run, edited: Path) -> None:
    code, _, err = run("inspect", edited, "--heatmap", edited / "maps")
    assert code == 2
    assert "cannot be created" in err
