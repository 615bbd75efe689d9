"""`countermark faces` with a face model that needs no weights: exit codes, JSON, and text."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors import Face
from service.cli import faces
from service.likeness.comparison import FaceComparer
from service.media.pictures import ImageLimits
from tests.support.commands import Run
from tests.support.people import ANN, BOB, ByColour, photo
from tests.unit.service.cli.conftest import Lines


class Twice(ByColour):
    """Finds every face two times."""

    def __call__(self, rgb: NDArray[np.uint8]) -> list[Face]:
        return super().__call__(rgb) * 2


@pytest.fixture
def images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """Files by the person that they show."""
    comparer = FaceComparer(ByColour(), ImageLimits(1 << 22, 1 << 22))
    monkeypatch.setattr(faces, "open_face_comparer", lambda _settings: comparer)
    colours = {"ann": ANN, "bob": BOB, "nobody": (128, 128, 128)}
    return {name: photo(tmp_path / f"{name}.png", colour) for name, colour in colours.items()}


def test_the_same_person_is_code_0_and_somebody_else_code_1(run: Run, images: dict[str, Path]) -> None:
    code, out, _ = run("faces", "compare", images["ann"], images["ann"])
    assert (code, out) == (0, "same  distance 0.00, threshold 0.55\n")
    code, out, _ = run("faces", "compare", images["ann"], images["bob"], "--json")
    found = json.loads(out)
    assert code == 1
    assert (found["same"], found["faces"]) == (False, [1, 1])
    assert run("faces", "compare", images["ann"], images["bob"])[1].startswith("not the same")


@pytest.mark.parametrize("names", [("ann", "nobody"), ("nobody", "ann")])
def test_no_face_is_code_5_and_names_the_image(run: Run, images: dict[str, Path], names: tuple[str, str]) -> None:
    code, out, err = run("faces", "compare", *(images[name] for name in names), "--json")
    assert code == 5
    assert json.loads(out)["same"] is None
    assert "no face found in" in err
    assert "nobody.png" in err.replace("\n", "")


def test_of_several_faces_the_closest_pair_counts(
    run: Run, images: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    comparer = FaceComparer(Twice(), ImageLimits(1 << 22, 1 << 22))
    monkeypatch.setattr(faces, "open_face_comparer", lambda _settings: comparer)
    assert "2 and 2 faces; the closest pair counts." in run("faces", "compare", images["ann"], images["ann"])[1]
    assert "ann.png: 2 faces" in run("faces", "find", images["ann"])[1]


def test_faces_are_listed_with_their_boxes(run: Run, lines: Lines, images: dict[str, Path]) -> None:
    (found,) = lines("faces", "find", images["ann"])
    assert [face["box"] for face in found["faces"]] == [[0, 0, 8, 8]]
    assert (found["file"], found["model"]) == (str(images["ann"]), ByColour.identity)
    code, out, _ = run("faces", "find", images["ann"])
    assert code == 0
    assert "ann.png: 1 face\n" in out
    assert "  0,0 to 8,8 px, size 200 px, score 1.00" in out
    code, out, _ = run("faces", "find", images["nobody"])
    assert code == 1
    assert "nobody.png: no faces" in out


def test_an_image_comes_from_standard_input(run: Run, images: dict[str, Path]) -> None:
    assert run("faces", "compare", "-", images["ann"], stdin=images["ann"].read_bytes())[0] == 0


@pytest.mark.parametrize("data", [b"", b"not an image", None])
def test_what_cannot_be_read_is_code_5(run: Run, images: dict[str, Path], tmp_path: Path, data: bytes | None) -> None:
    broken = tmp_path / "broken.png"
    if data is not None:
        broken.write_bytes(data)
    for words in (("compare", images["ann"], broken), ("compare", broken, images["ann"]), ("find", broken)):
        assert run("faces", *words)[:2] == (5, "")
