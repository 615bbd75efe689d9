"""The server's end, in a process of its own and in this one, and what it logs."""

import json
import logging.config
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from starlette.types import Receive, Scope, Send

from service.api import server as module
from service.api.server import OneLine, limits_of
from service.kit.errors import Unavailable
from service.kit.settings import Settings
from tests.support.front_door import all_of, opened, request
from tests.support.waiting import until

PROGRAM = """
import sys, threading
from pathlib import Path
from service.api import server
from service.kit import logs
from service.kit.settings import Settings

logs.configure("info")
server._CLOSING_SECONDS = 0.3

async def app(scope, receive, send):
    if scope["type"] == "http":
        if scope["path"] == "/hang":
            threading.Thread(target=threading.Event().wait).start()
        else:
            while (await receive()).get("more_body"):
                pass
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body"})

settings = Settings(home=Path(sys.argv[1]), shutdown_timeout=0.3)
with server.exit_on_sigterm():
    server.serve(app, settings, "127.0.0.1", int(sys.argv[2]))
print("closed")
"""


@contextmanager
def process(tmp_path: Path) -> Iterator[tuple["subprocess.Popen[str]", int]]:
    """A server that takes 0.3 s to end and is ended 0.3 s later, and its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    command = [sys.executable, "-c", PROGRAM, str(tmp_path), str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        try:
            until(lambda: connected(port))
            yield running, port
        finally:
            running.kill()


def connected(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionError:
        return False
    return True


def test_sigterm_ends_it_whatever_a_client_does(tmp_path: Path) -> None:
    with process(tmp_path) as (running, port):
        client = socket.create_connection(("127.0.0.1", port))
        client.sendall(request("/", body=b"x", length=1000))
        client.sendall(b"x")
        running.send_signal(signal.SIGTERM)
        _, err = running.communicate(timeout=60)
        client.close()
    assert running.returncode == 0
    assert all(json.loads(line)["event"] for line in err.splitlines())
    assert "Traceback" not in err


def test_a_thread_that_hangs_does_not_keep_it(tmp_path: Path) -> None:
    with process(tmp_path) as (running, port):
        client = socket.create_connection(("127.0.0.1", port))
        client.sendall(request("/hang"))
        assert client.recv(12) == b"HTTP/1.1 200"
        running.send_signal(signal.SIGTERM)
        _, err = running.communicate(timeout=60)
        client.close()
    assert running.returncode == 128 + signal.SIGTERM
    assert json.loads(err.splitlines()[-1])["event"] == "shutdown_forced"


def test_a_request_that_the_shutdown_cancels_is_refused(settings: Settings) -> None:
    waiting = threading.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await receive()
            waiting.set()
            await receive()  # until the client leaves, which it does not

    with opened(app, settings.model_copy(update={"shutdown_timeout": 0.2})) as door:
        client = door.connect(request())
        assert waiting.wait(60)
        door.server.should_exit = True
        response = all_of(client)
    assert response.startswith(b"HTTP/1.1 503")
    assert b"shutting down" in response


def test_a_bug_is_not_logged_with_its_message(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 500, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body"})
            raise RuntimeError("a prompt")

    with opened(app, settings) as door:
        assert all_of(door.connect(request())).startswith(b"HTTP/1.1 500")
    assert "a prompt" not in caplog.text


def test_an_address_in_use_is_said(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None: ...

    monkeypatch.setattr(logging.config, "dictConfig", lambda config: None)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(Unavailable, match=f"could not listen on 127.0.0.1:{port}"):
            module.serve(app, settings, "127.0.0.1", port)


def test_the_limits_are_those_of_the_settings(settings: Settings) -> None:
    limits = limits_of(settings.model_copy(update={"body_timeout": 5.0, "trusted_proxies": ("10.0.0.0/8",)}))
    assert (limits.connections, limits.per_address, limits.idle) == (1000, 500, 5.0)
    assert limits.head.seconds(10**6) == 20
    assert (limits.body.seconds(0), limits_of(settings).body.seconds(0)) == (5, 20)
    assert "10.1.1.1" in limits.trusted


def test_a_log_record_is_one_line_of_json() -> None:
    try:
        raise RuntimeError("a prompt")
    except RuntimeError:
        fault = sys.exc_info()
    record = logging.LogRecord("asyncio", logging.ERROR, "f", 1, "it %s\nfuture: 'a prompt'", ("failed",), fault)
    line = json.loads(OneLine().format(record))
    assert {**line, "timestamp": "", "at": ""} == {
        "event": "it failed",
        "level": "error",
        "timestamp": "",
        "error": "RuntimeError",
        "at": "",
    }
    assert "test_server.py:" in line["at"]


def test_uvicorns_line_about_bad_requests_is_dropped() -> None:
    records = [logging.LogRecord("uvicorn.error", 30, "f", 1, text, (), None) for text in ("Invalid HTTP request", "x")]
    assert [module._NotInvalidRequest().filter(record) for record in records] == [False, True]
