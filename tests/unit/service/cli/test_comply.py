import json
from pathlib import Path

import pytest

from service.labels import PROFILES
from tests.assets.declared import png, text
from tests.support.commands import Run

LABEL = '{"Label": "1", "ContentProducer": "\\u001b[31mx", "ProduceID": "7"}'


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    path = tmp_path / "a.png"
    path.write_bytes(png(text("AIGC", LABEL)))
    return path


def test_what_is_carried_item_by_item(run: Run, labelled: Path) -> None:
    code, out, err = run("comply", labelled, "--law", "cn-gb45438")
    assert (code, err) == (0, "")
    for words in ("1: generated", "GB 45438-2025, section 6", "does not prove", "no legal advice", "look", "advised"):
        assert words in out
    assert "\x1b" not in out


def test_what_is_lacking_gives_the_exit_code(run: Run, labelled: Path) -> None:
    code, out, _ = run("comply", labelled, "--law", "ca-sb942")
    assert code == 1
    assert "lacking" in out


def test_one_object_for_programs(run: Run, labelled: Path) -> None:
    code, out, _ = run("comply", labelled, "--law", "in-2026", "--json")
    found = json.loads(out)
    assert (code, found["law"], found["complete"]) == (1, "in-2026", False)
    statuses = {item["id"]: item["status"] for item in found["items"]}
    assert statuses["visible_label"] == "look"
    assert statuses["unique_id"] == "lacking"


def test_standard_input(run: Run, labelled: Path) -> None:
    code, out, _ = run("comply", "-", "--law", "cn-gb45438", "--json", stdin=labelled.read_bytes())
    assert (code, json.loads(out)["file"]) == (0, "-")


def test_an_unknown_law_or_file_is_named(run: Run, labelled: Path) -> None:
    code, _, err = run("comply", labelled, "--law", "moon")
    assert code == 2
    assert all(name in err for name in PROFILES)
    assert run("comply", labelled.with_name("none.png"), "--law", "in-2026")[0] == 5
