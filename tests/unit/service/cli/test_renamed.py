"""Old names of commands and options work for one version, with a warning."""

import click
import pytest
import typer

from service.cli.app import app
from service.cli.renamed import COMMANDS, OPTIONS, translate


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (["held", "list", "--all"], ["review", "list", "--all"]),
        (["models", "export", "folder", "--name", "x"], ["models", "add-classifier", "folder", "--name", "x"]),
        (["benchmark", "--real", "a", "--fake", "b"], ["benchmark", "--real", "a", "--synthetic", "b"]),
        (["benchmark", "--fake=b", "--real=a"], ["benchmark", "--synthetic=b", "--real=a"]),
        (["models", "audit-adapter", "x", "--pictures", "2"], ["models", "audit-adapter", "x", "--images", "2"]),
    ],
)
def test_an_old_name_is_translated_and_warned_of(old: list[str], new: list[str]) -> None:
    words, (warning,) = translate(old)
    assert words == new
    assert "is now" in warning


@pytest.mark.parametrize(
    "words", [[], ["--version"], ["generate", "held", "--out", "x"], ["verify", "--fake"], ["consent", "export", "x"]]
)
def test_everything_else_stays(words: list[str]) -> None:
    assert translate(words) == (words, [])


def command(words: tuple[str, ...]) -> click.Command | None:
    found: click.Command | None = typer.main.get_command(app)  # type: ignore[assignment]  # typer's own copy of click
    for word in words:
        found = getattr(found, "commands", {}).get(word)
    return found


def test_new_names_exist_and_old_ones_do_not() -> None:
    for old, new in COMMANDS.items():
        assert command(old) is None
        assert command(new) is not None
    for (words, old_option), new_option in OPTIONS.items():
        found = command(words)
        assert found is not None
        options = {name for each in found.params for name in each.opts}
        assert new_option in options
        assert old_option not in options
