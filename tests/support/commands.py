"""The command line in this process."""

import io
import sys
from collections.abc import Callable

import pytest

from service.cli import app as cli

Run = Callable[..., tuple[int, str, str]]


def runner(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], columns: int) -> Run:
    """Gives (exit code, standard output, standard error) of a command, on a terminal of so many columns."""
    monkeypatch.setenv("COLUMNS", str(columns))

    def call(*words: object, stdin: bytes = b"") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["countermark", *map(str, words)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        code = 0
        capsys.readouterr()  # what fixtures logged is not the command's
        try:
            cli.run()
        except SystemExit as stop:
            code = int(stop.code or 0)
        out, err = capsys.readouterr()
        return code, out, err

    return call
