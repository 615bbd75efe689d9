import asyncio
from collections.abc import Sequence

import pytest
from fastapi.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send

from service.api import create_app
from service.api.bodies import SPOOL, Budget, ReceivedBodies
from service.installation import Installation
from service.kit.errors import Overloaded

LARGE = bytes(range(256)) * (SPOOL // 64)
"""Four times what stays in memory."""


class Exchange:
    """One request with a body in parts, for an application that reads everything and notes what it was given."""

    def __init__(self, memory: Budget, disk: Budget, content_type: bytes = b"image/png") -> None:
        self.memory = memory
        self.disk = disk
        self.scope: Scope = {"type": "http", "headers": [(b"content-type", content_type)]}
        self.received: list[Message] = []
        self.taken_while_working = -1

    def run(self, parts: Sequence[bytes], complete: bool = True) -> None:
        messages: list[Message] = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
        if complete:
            messages[-1]["more_body"] = False
        messages.append({"type": "http.disconnect"})

        async def receive() -> Message:
            return messages.pop(0)

        async def send(message: Message) -> None:
            pass

        asyncio.run(ReceivedBodies(self._app, self.memory, self.disk)(self.scope, receive, send))

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        while not self.received or self.received[-1].get("more_body"):
            self.received.append(await receive())
        self.taken_while_working = self.memory.taken

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.received)


@pytest.fixture
def memory() -> Budget:
    return Budget(1 << 20, "bytes")


@pytest.fixture
def disk() -> Budget:
    return Budget(1 << 20, "bytes")


def halves(body: bytes) -> list[bytes]:
    return [body[: len(body) // 2], body[len(body) // 2 :]]


@pytest.mark.parametrize("body", [b"", b"abc", LARGE])
@pytest.mark.parametrize("content_type", [b"image/png", b"multipart/form-data; boundary=x"])
def test_the_application_gets_the_body_and_the_budget_gets_its_bytes_back(
    memory: Budget, disk: Budget, body: bytes, content_type: bytes
) -> None:
    for parts in ([body], halves(body), [*halves(body), b""]):
        exchange = Exchange(memory, disk, content_type)
        exchange.run(parts)
        assert exchange.body == body
        assert exchange.received[-1]["more_body"] is False
        assert exchange.taken_while_working == len(body)
        assert (memory.taken, disk.taken) == (0, 0)


def test_a_bare_file_comes_in_one_piece(memory: Budget, disk: Budget) -> None:
    exchange = Exchange(memory, disk)
    exchange.run(halves(LARGE))
    assert len(exchange.received) == 1


def test_who_leaves_meanwhile_is_heard_of(memory: Budget, disk: Budget) -> None:
    for parts in ([b"abc"], halves(LARGE)):
        exchange = Exchange(memory, disk)
        exchange.run(parts, complete=False)
        assert [message["type"] for message in exchange.received] == ["http.disconnect"]
        assert (memory.taken, disk.taken) == (0, 0)


def test_unfinished_bodies_take_little_memory(memory: Budget, disk: Budget) -> None:
    """They hold SPOOL bytes each; complete ones their whole size."""
    seen: list[tuple[int, int]] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()

    async def main() -> None:
        parts = [{"type": "http.request", "body": part, "more_body": True} for part in halves(LARGE)]

        async def receive() -> Message:
            seen.append((memory.taken, disk.taken))
            return parts.pop(0) if parts else {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            pass

        await ReceivedBodies(app, memory, disk)({"type": "http", "headers": []}, receive, send)

    asyncio.run(main())
    assert seen == [(0, 0), (SPOOL, len(LARGE) // 2), (SPOOL, len(LARGE))]


@pytest.mark.parametrize(("in_memory", "on_disk"), [(SPOOL, 1 << 20), (1 << 20, len(LARGE) - 1), (SPOOL - 1, 1 << 20)])
def test_beyond_a_budget_it_is_refused_and_nothing_stays_taken(in_memory: int, on_disk: int) -> None:
    memory, disk = Budget(in_memory, "bytes"), Budget(on_disk, "bytes")
    with pytest.raises(Overloaded):
        Exchange(memory, disk).run(halves(LARGE))
    assert (memory.taken, disk.taken) == (0, 0)


def test_the_refusal_is_a_problem(installation: Installation) -> None:
    installation.settings.__dict__["body_memory"] = 1000
    client = TestClient(create_app(installation), raise_server_exceptions=False)
    for sent in ({"content": bytes(2000)}, {"files": {"file": bytes(2000)}}):
        response = client.post("/v1/inspect", **sent)
        assert (response.status_code, response.json()["code"]) == (503, "overloaded")
        assert int(response.headers["retry-after"]) > 0
    assert client.post("/v1/appeals", json={"x": "y" * 2000}).status_code == 503
    assert client.post("/v1/inspect", content=bytes(500)).status_code == 415
