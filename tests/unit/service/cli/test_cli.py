"""The console script: the guard first, then the command."""

import os
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


@pytest.mark.parametrize(("before", "after"), [(None, "1"), ("4", "4")])
def test_blas_gets_one_thread_unless_the_operator_gave_it_more(
    monkeypatch: pytest.MonkeyPatch, before: str | None, after: str
) -> None:
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", before or "")
    if before is None:
        monkeypatch.delenv("OPENBLAS_NUM_THREADS")
    monkeypatch.setattr(guard, "check", lambda: None)
    monkeypatch.setitem(sys.modules, "service.cli.app", SimpleNamespace(run=lambda: None))
    service.cli.main()
    assert os.environ["OPENBLAS_NUM_THREADS"] == after
