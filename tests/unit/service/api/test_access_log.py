import asyncio
from typing import Any

import pytest
from fastapi.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send

from service.api import access_log as module
from service.api.access_log import AccessLog

Lines = list[dict[str, Any]]


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Lines:
    found: Lines = []
    monkeypatch.setattr(module.log, "info", lambda event, **fields: found.append({"event": event, **fields}))
    return found


def test_a_request_is_one_line_without_what_it_names(client: TestClient, lines: Lines) -> None:
    client.get("/v1/consent/subjects/S-1234?name=Ann", headers={"x-subject-pin": "1"})
    (line,) = lines
    assert line.pop("ms") > 0
    assert line == {"event": "request", "method": "GET", "path": "/v1/consent/subjects/{subject}", "status": 404}


@pytest.mark.parametrize(
    ("method", "path", "logged", "status"),
    [
        ("GET", "/no/such/Ann", ("GET", "-"), 404),
        ("ANN", "/healthz", ("-", "/healthz"), 405),
        ("HEAD", "/readyz", ("HEAD", "/readyz"), 200),
        ("POST", "/v1/inspect", ("POST", "/v1/inspect"), 422),
    ],
)
def test_other_requests(
    client: TestClient, lines: Lines, method: str, path: str, logged: tuple[str, str], status: int
) -> None:
    assert client.request(method, path).status_code == status
    assert [(line["method"], line["path"], line["status"]) for line in lines] == [(*logged, status)]


def run(app: Any, state: dict[str, Any] | None = None) -> None:
    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        pass

    asyncio.run(AccessLog(app)({"type": "http", "method": "GET", "state": state or {}}, receive, send))


def test_a_client_who_left_is_499(lines: Lines) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()

    run(app)
    run(app, {"ended_with": 408})
    assert [line["status"] for line in lines] == [499, 408]


def test_a_bug_is_500_and_goes_on(lines: Lines) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(app)
    assert [line["status"] for line in lines] == [500]
