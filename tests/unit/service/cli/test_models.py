import json
from pathlib import Path

import pytest

from service.installation import Installation
from service.kit.model_store import CARDS_FOLDER
from tests.support.classifiers import write_safety
from tests.support.commands import Run


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


def test_a_folder_that_is_no_pipeline_gets_no_card(run: Run, installation: Installation, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert run("models", "add-pipeline", tmp_path / "empty")[0] != 0
    assert not list((installation.settings.home / CARDS_FOLDER).glob("*.json"))
