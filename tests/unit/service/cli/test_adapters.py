"""The list of adapters from the command line."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from service.cli.app import app
from service.installation import open_installation
from service.kit.errors import (
    BadRequest,
)
from service.kit.settings import load_settings
from service.likeness import comparison
from tests.support import adapters
from tests.support.people import BOB, ByColour, enrolled, granted, photo

runner = CliRunner()


@pytest.fixture
def by_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison, "open_model", lambda _settings: ByColour())


def models(*words: object) -> Result:
    return runner.invoke(app, ["models", *map(str, words)])


def test_the_list_from_the_command_line(by_colour: None, tmp_path: Path) -> None:
    file = adapters.any_lora(tmp_path / "Style.safetensors", adapters.TAGS)
    photo(tmp_path / "samples" / "b.png", BOB)
    done = models("add-adapter", file, "--no-identity", "--samples", tmp_path / "samples")
    assert done.exit_code == 0, done.output
    assert "nobody's likeness (1 faces in 1 samples)" in done.stderr
    assert "used to learn one subject: ohwx" in done.stderr
    (told,) = map(json.loads, models("adapters", "--json").stdout.splitlines())
    assert (told["name"], told["samples"]["faces"]) == ("style", 1)
    assert "box" not in json.dumps(told)
    assert "style" in models("adapters").stdout
    assert isinstance(models("add-adapter", file, "--no-identity", "--samples", tmp_path).exception, BadRequest)
    assert models("remove-adapter", "style").exit_code == 0
    assert models("adapters", "--json").stdout == ""


def test_an_adapter_of_somebody_from_the_command_line(tmp_path: Path) -> None:
    installation = open_installation(load_settings())
    ann = enrolled(installation.consent)
    given = granted(installation.consent, ann.subject)
    installation.close()
    file = adapters.any_lora(tmp_path / "ann.safetensors")
    told = json.loads(models("add-adapter", file, "--subject", ann.subject, "--grant", given, "--json").stdout)
    assert (told["subject"], told["grant"]) == (ann.subject, given)
    assert given in models("adapters").stdout.replace("\n", "")


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--no-identity"],
        ["--samples", "."],
        ["--subject", "S-1"],
        ["--grant", "G-0000-0000-0000-0000"],
        ["--subject", "S-1", "--grant", "G-0000-0000-0000-0000", "--no-identity"],
        ["--no-identity", "--samples", ".", "--subject", "S-1"],
    ],
)
def test_exactly_one_thing_is_declared(tmp_path: Path, words: list[str]) -> None:
    file = adapters.any_lora(tmp_path / "ann.safetensors")
    assert "somebody's or nobody's" in str(models("add-adapter", file, *words).exception)
