"""Waiting for other threads without guessing how long they take."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from socket import socket
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
import uvicorn
from fastapi import FastAPI

from service.api import capacity

LONGEST = 60.0
"""Seconds after which a test fails that would otherwise hang; nothing is expected to take as long."""


def until(holds: Callable[[], object]) -> None:
    """Returns as soon as `holds()`."""
    pause = threading.Event()
    for _ in range(int(LONGEST / 0.005)):
        if holds():
            return
        pause.wait(0.005)
    raise AssertionError("it never came")


class Ticks:
    """A clock to put in the place of the module `time`: its seconds pass only when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """The address of a server of `app`, in a thread of this process."""
    server = ListeningServer(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    assert server.ready.wait(LONGEST)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


class ListeningServer(uvicorn.Server):
    """Sets `ready` once it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


def hang_up(url: str, once: threading.Event, body: bytes | None = None) -> None:
    """Asks for `url`, with POST where there is a JSON `body`, and closes the connection `once` that is set."""
    parts = urlsplit(url)
    connection = HTTPConnection(str(parts.hostname), parts.port, timeout=LONGEST)
    headers = {"Content-Type": "application/json"} if body else {}
    connection.request("POST" if body else "GET", parts.path, body, headers)
    assert once.wait(LONGEST)
    connection.close()


def seen_leaving(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set once the server has seen that a client left and has cancelled what it asked for, or is done with it."""
    seen = threading.Event()

    class Seen(threading.Event):
        def set(self) -> None:
            super().set()
            seen.set()

    monkeypatch.setattr(capacity, "threading", SimpleNamespace(Event=Seen))
    return seen
