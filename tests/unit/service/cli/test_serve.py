from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from typer.testing import CliRunner

from service.access.tenants import Terms
from service.api.dependencies import services_of
from service.cli.app import app
from service.installation import Installation, open_installation
from service.kit.errors import Misconfigured, Unavailable
from service.kit.settings import Settings, load_settings

runner = CliRunner()


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch, gateway: object) -> list[dict[str, Any]]:
    """How the server was started; the gateway is there already."""
    calls: list[dict[str, Any]] = []

    def serve(
        app: FastAPI, settings: Settings, host: str, port: int, on_exit: Callable[[], None], **of_workers: object
    ) -> None:
        assert of_workers["listening"] is None
        on_exit()
        assert services_of(app).stopping.is_set()
        calls.append({"app": app, "host": host, "port": port})

    monkeypatch.setattr("service.api.server.serve", serve)
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


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "example.com"])
def test_strangers_do_not_order_as_the_operator(served: list[dict[str, Any]], host: str) -> None:
    refused = runner.invoke(app, ["serve", "--host", host])
    assert isinstance(refused.exception, Misconfigured)
    assert "tenants add" in refused.exception.hint
    assert served == []


def test_unless_the_operator_says_so(served: list[dict[str, Any]]) -> None:
    done = runner.invoke(app, ["serve", "--host", "0.0.0.0", "--open"])
    assert (done.exit_code, len(served)) == (0, 1)
    assert "everybody who reaches 0.0.0.0 orders images as the operator" in done.stderr


def test_or_there_is_a_tenant(served: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNTERMARK_HOST", "0.0.0.0")
    assert isinstance(runner.invoke(app, ["serve"]).exception, Misconfigured)
    installation = open_installation(load_settings())
    installation.tenants.add(Terms(name="acme"))
    installation.close()
    assert runner.invoke(app, ["serve"]).exit_code == 0
    assert [each["host"] for each in served] == ["0.0.0.0"]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1"])
def test_on_this_machine_nothing_is_needed(served: list[dict[str, Any]], host: str) -> None:
    assert runner.invoke(app, ["serve", "--host", host]).exit_code == 0


def test_secrets_leave_the_environment_once_they_are_read(
    served: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    monkeypatch.setenv("COUNTERMARK_WATERMARK_SECRET", "a secret of the operator")
    assert runner.invoke(app, ["serve"]).exit_code == 0
    assert len(served) == 1
    assert "COUNTERMARK_WATERMARK_SECRET" not in os.environ
