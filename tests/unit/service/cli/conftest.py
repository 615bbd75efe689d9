import json
from collections.abc import Callable
from typing import Any

import pytest

from service.installation import Installation
from tests.support.commands import Run, runner

Lines = Callable[..., list[dict[str, Any]]]
"""Runs a command with --json and gives what it printed, one object a line."""


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], installation: Installation) -> Run:
    """Runs a command over the home folder of `installation`; gives (exit code, standard output, standard error)."""
    return runner(monkeypatch, capsys, columns=250)


@pytest.fixture
def lines(run: Run) -> Lines:
    def call(*words: object) -> list[dict[str, Any]]:
        code, out, err = run(*words, "--json")
        assert (code, err) == (0, "")
        return [json.loads(line) for line in out.splitlines()]

    return call
