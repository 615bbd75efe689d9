import csv
from pathlib import Path

import numpy as np
import pytest

from service.examiner.feedback import Feedback
from service.installation import Installation
from service.media.pictures import encode
from tests.support.commands import Run
from tests.support.examinations import recorded
from tests.unit.service.cli.conftest import Lines


@pytest.fixture
def images(tmp_path: Path, installation: Installation) -> Path:
    """Three images; one was labelled, and one was labelled differently by two people."""
    folder = tmp_path / "images" / "below"
    folder.mkdir(parents=True)
    for number in range(3):
        (folder / f"{number}.png").write_bytes(encode(np.full((16, 16, 3), number, np.uint8), "png")[0])
    for number, label in ((0, "real"), (1, "real"), (1, "synthetic")):
        (row,) = recorded(installation, (folder / f"{number}.png").read_bytes())
        installation.feedback.give(Feedback(examination=row, label=label, who="author"))  # type: ignore[arg-type]
    return folder.parent


@pytest.mark.usefixtures("images")
def test_labels_are_listed_with_what_was_said(run: Run, lines: Lines) -> None:
    listed = lines("feedback", "list")
    assert sorted(one["label"] for one in listed) == ["real", "real", "synthetic"]
    assert {(one["who"], one["kind"], one["verdict"]) for one in listed} == {("author", "night", "inconclusive")}
    assert "author" in run("feedback", "list")[1]


def test_labels_of_ones_own_images_become_a_file(run: Run, images: Path, tmp_path: Path) -> None:
    out = tmp_path / "labels.csv"
    code, _, err = run("feedback", "export", "--images", images, "--out", out)
    assert code == 0
    assert list(csv.DictReader(out.read_text().splitlines())) == [
        {"file": "below/0.png", "label": "real", "kind": "night"}
    ]
    assert "1.png: people say both" in err
    assert run("feedback", "export", "--images", images, "--out", out)[0] == 2
    assert run("feedback", "export", "--images", images, "--out", out, "--force", "--who", "other")[0] == 1
    assert list(csv.DictReader(out.read_text().splitlines())) == []


def test_a_folder_that_is_none(run: Run, tmp_path: Path) -> None:
    assert run("feedback", "export", "--images", tmp_path / "none", "--out", tmp_path / "o.csv")[0] in (2, 5)
