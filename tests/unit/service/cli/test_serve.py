from typing import Any

import pytest
from typer.testing import CliRunner

from service.cli.app import app
from service.installation import Installation
from service.kit.errors import Misconfigured, Unavailable

runner = CliRunner()


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch, gateway: object) -> list[dict[str, Any]]:
    """How uvicorn was started; the gateway is there already."""
    calls: list[dict[str, Any]] = []
    monkeypatch.setattr("uvicorn.run", lambda app, **options: calls.append({"app": app, **options}))
    monkeypatch.setattr(Installation, "gateway", property(lambda self: gateway))
    return calls


def test_it_serves_at_the_address_of_the_options_or_settings(
    served: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COUNTERMARK_PORT", "8123")
    assert runner.invoke(app, ["serve"]).exit_code == 0
    assert runner.invoke(app, ["serve", "--host", "::1", "--port", "0"]).exit_code == 0
    assert [(each["host"], each["port"]) for each in served] == [("127.0.0.1", 8123), ("::1", 0)]


def test_it_closes_the_installation_in_the_end(served: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[bool] = []
    monkeypatch.setattr(Installation, "close", lambda self: closed.append(len(served) == 1))
    runner.invoke(app, ["serve"])
    assert closed == [True]


def test_without_torch_it_serves_the_examiner(served: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(self: Installation) -> object:
        raise Unavailable("torch is not installed", hint="Install it.") from ImportError("torch")

    monkeypatch.setattr(Installation, "gateway", property(missing))
    done = runner.invoke(app, ["serve"])
    assert (done.exit_code, len(served)) == (0, 1)
    assert "Examiner only: torch is not installed. Install it." in done.stderr


@pytest.mark.parametrize("fault", [Unavailable("a weight is missing"), Misconfigured("no such pipeline")])
def test_anything_else_stops_the_start(
    served: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    def broken(self: Installation) -> object:
        raise fault

    monkeypatch.setattr(Installation, "gateway", property(broken))
    assert runner.invoke(app, ["serve"]).exception is fault
    assert served == []
