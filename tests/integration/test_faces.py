"""countermark faces, through the command line and with the real model where the extra is installed."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data as photos
from typer.testing import CliRunner, Result

from detectors import DlibFaces
from detectors.faces.canary import LIGHT, draw
from service.cli.app import app
from service.kit.errors import BrokenPicture, Error, FileUnreadable, NoFace, UnsupportedFormat
from service.likeness.comparison import FaceComparer
from service.media.pictures import ImageLimits

runner = CliRunner()
ROOT = Path(__file__).parents[2]


PORTRAIT = np.ascontiguousarray(photos.astronaut()[:320, 60:380])


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    portrait = Image.fromarray(PORTRAIT)
    portrait.save(folder / "a.png")
    portrait.transpose(Image.Transpose.FLIP_LEFT_RIGHT).resize((250, 250)).save(folder / "b.jpg", quality=60)
    Image.fromarray(draw(LIGHT)).save(folder / "drawn.png")
    Image.fromarray(photos.coffee()[:256, :256]).save(folder / "coffee.png")
    (folder / "text.png").write_bytes(b"not a picture")
    (folder / "empty.png").write_bytes(b"")
    return folder


@pytest.fixture
def pictures(originals: Path, tmp_path: Path) -> Path:
    return shutil.copytree(originals, tmp_path / "pictures")


Faces = Callable[..., Result]


@pytest.fixture
def faces(monkeypatch: pytest.MonkeyPatch, dlib_faces: DlibFaces, pictures: Path) -> Faces:
    """Runs `countermark faces` on pictures by name, with a model that is loaded once for all tests."""
    opened = FaceComparer(dlib_faces, ImageLimits(1 << 25, 1 << 25))
    monkeypatch.setattr("service.cli.faces.open_face_comparer", lambda _settings: opened)

    def call(command: str, *names: str) -> Result:
        words = [name if name.startswith("-") else str(pictures / name) for name in names]
        return runner.invoke(app, ["faces", command, *words])

    return call


def test_the_same_person(faces: Faces) -> None:
    done = faces("compare", "a.png", "b.jpg", "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert set(found) == {"distance", "threshold", "same", "faces", "boxes"}
    assert found["same"] is True
    assert 0 < found["distance"] <= found["threshold"]
    assert found["faces"][0] == 1
    assert [len(boxes) for boxes in found["boxes"]] == found["faces"]


def test_somebody_else(faces: Faces) -> None:
    done = faces("compare", "a.png", "drawn.png", "--json")
    assert done.exit_code == 1
    found = json.loads(done.stdout)
    assert found["same"] is False
    assert found["distance"] > found["threshold"]


def test_people_get_words(faces: Faces) -> None:
    assert faces("compare", "a.png", "b.jpg").stdout.startswith("same")
    assert faces("compare", "a.png", "drawn.png").stdout.startswith("not the same")


@pytest.mark.parametrize("names", [("a.png", "coffee.png"), ("coffee.png", "a.png")])
def test_no_face_is_an_error_that_names_the_picture(faces: Faces, names: tuple[str, str]) -> None:
    done = faces("compare", *names, "--json")
    assert isinstance(done.exception, NoFace)
    assert "coffee.png" in str(done.exception)
    found = json.loads(done.stdout)
    assert (found["distance"], found["same"]) == (None, None)
    assert sorted(found["faces"]) == [0, 1]
    assert NoFace.exit_code == 5


@pytest.mark.parametrize(
    ("name", "error"),
    [("text.png", UnsupportedFormat), ("empty.png", BrokenPicture), ("missing.png", FileUnreadable)],
)
def test_what_cannot_be_read(faces: Faces, name: str, error: type[Error]) -> None:
    for words in (("compare", "a.png", name), ("compare", name, "a.png"), ("find", name)):
        done = faces(*words)
        assert isinstance(done.exception, error)
        assert error.exit_code == 5
        assert done.stdout == ""


def test_faces_are_found(faces: Faces) -> None:
    done = faces("find", "a.png", "--json")
    assert done.exit_code == 0
    found = json.loads(done.stdout)
    (face,) = found["faces"]
    assert found["model"] == "dlib-faces@1"
    left, top, right, bottom = face["box"]
    assert 0 <= left < 165 < right <= 320
    assert 0 <= top < 120 < bottom <= 320
    assert "a.png: 1 face" in faces("find", "a.png").stdout
    nothing = faces("find", "coffee.png")
    assert nothing.exit_code == 1
    assert "no faces" in " ".join(nothing.stdout.split())


def test_standard_input(dlib_faces: DlibFaces, faces: Faces, pictures: Path) -> None:
    data = (pictures / "a.png").read_bytes()
    done = runner.invoke(app, ["faces", "compare", "-", str(pictures / "b.jpg"), "--json"], input=data)
    assert json.loads(done.stdout)["same"] is True


def test_without_the_extra_it_says_what_to_install(pictures: Path) -> None:
    script = "import sys; sys.modules['dlib'] = None\nfrom service.cli import main\nmain()"
    words = ["faces", "compare", str(pictures / "a.png"), str(pictures / "b.jpg")]
    done = subprocess.run([sys.executable, "-c", script, *words], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 7
    assert "countermark[faces]" in done.stderr


def test_in_a_large_picture(faces: Faces, pictures: Path) -> None:
    canvas = np.full((2400, 2400, 3), 90, np.uint8)
    canvas[1000:1640, 600:1240] = np.kron(PORTRAIT, np.ones((2, 2, 1), np.uint8))
    Image.fromarray(canvas).save(pictures / "large.png")
    assert json.loads(faces("compare", "a.png", "large.png", "--json").stdout)["same"] is True
