"""`countermark prompts`: what is found is shown, and the exit code tells."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from models import ModelMissing
from service.cli.app import app
from service.kit.errors import BadRequest, Misconfigured, Unavailable

OWN = '[names]\nstaff = ["Jane Doe"]\n[[tests]]\ntext = "jane doe"\nexpect = ["named_person"]\n'


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["prompts", *arguments])


def test_a_prompt_that_passes() -> None:
    done = run("check", "a red fox")
    assert done.exit_code == 0
    assert done.stdout.startswith("passes\nnormalised: a red fox\n")


def test_a_prompt_that_is_refused() -> None:
    done = run("check", "s3xy ch1ld", "--json")
    assert done.exit_code == 6
    found = json.loads(done.stdout)
    assert found["refused"] is True
    assert found["categories"] == ["sexual_minors"]
    assert found["flags"] == ["leet"]


def test_an_operators_rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "own.toml"
    own.write_text(OWN)
    assert run("test", str(own)).stdout.endswith("1 tests passed\n")
    assert run("check", "Jane Doe").exit_code == 0
    assert run("check", "Jane Doe", "--rules", str(own)).exit_code == 6
    monkeypatch.setenv("COUNTERMARK_PROMPT_RULES", str(own))
    assert run("check", "Jane Doe").exit_code == 6


def test_rules_that_fail_their_tests(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(OWN.replace('text = "jane doe"', 'text = "john"'))
    for command in (["test", str(own)], ["check", "x", "--rules", str(own)]):
        assert isinstance(run(*command).exception, Misconfigured)


def test_a_prompt_too_long_to_be_screened() -> None:
    assert isinstance(run("check", "x" * 2001).exception, BadRequest)


def test_without_the_model_nothing_is_screened(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_args: object, **_more: object) -> None:
        raise ModelMissing("no weights")

    monkeypatch.setattr("service.gateway.assembly.PromptScreen", missing)
    assert isinstance(run("check", "x").exception, Unavailable)
