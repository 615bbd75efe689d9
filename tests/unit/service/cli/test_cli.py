"""The console script: the guard first, then the command."""

import sys
from types import SimpleNamespace

import pytest

import service.cli
from service.cli import guard


def test_the_guard_runs_before_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    monkeypatch.setattr(guard, "check", lambda: order.append("guard"))
    monkeypatch.setitem(sys.modules, "service.cli.app", SimpleNamespace(run=lambda: order.append("command")))
    service.cli.main()
    assert order == ["guard", "command"]


def test_a_foreign_package_ends_it_with_code_70(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def foreign() -> None:
        raise guard.ForeignPackage("package models comes from elsewhere")

    monkeypatch.setattr(guard, "check", foreign)
    monkeypatch.setitem(sys.modules, "service.cli.app", SimpleNamespace(run=lambda: pytest.fail("it ran")))
    with pytest.raises(SystemExit) as ended:
        service.cli.main()
    assert ended.value.code == 70
    assert capsys.readouterr().err == "countermark: package models comes from elsewhere\n"
