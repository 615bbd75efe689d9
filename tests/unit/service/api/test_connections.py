"""Clients that are slow, silent or too many, on a real socket, with each of uvicorn's parsers."""

import dataclasses
import json
import socket
import threading
from collections.abc import Iterator
from importlib.util import find_spec

import pytest
from starlette.types import Message, Receive, Scope, Send

from service.api.connections import LARGEST_HEAD, Guard, GuardedH11, answer, protocol
from service.kit.addresses import Networks
from service.kit.errors import Overloaded
from service.kit.settings import Settings
from tests.support.front_door import LIMITS, Door, all_of, opened, request
from tests.support.waiting import LONGEST, until

MUCH = 8 << 20
"""Bytes that no socket holds for a client that does not read."""

WITHOUT_HTTPTOOLS = pytest.mark.skipif(find_spec("httptools") is None, reason="httptools is not installed")
PARSERS = ["h11", pytest.param("httptools", marks=WITHOUT_HTTPTOOLS)]


class App:
    """Answers with the size of the body; `/early` before the body is there, `/much` with MUCH bytes."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        size, more = 0, scope["path"] != "/early"
        while more:
            message = await receive()
            self.heard.append(message["type"])
            if message["type"] == "http.disconnect":
                return
            size, more = size + len(message["body"]), message["more_body"]
        body = bytes(MUCH) if scope["path"] == "/much" else str(size).encode()
        start: Message = {"type": "http.response.start", "status": 200}
        await send({**start, "headers": [(b"content-length", str(len(body)).encode())]})
        await send({"type": "http.response.body", "body": body})


@pytest.fixture(scope="module")
def app() -> App:
    return App()


@pytest.fixture(scope="module", params=PARSERS)
def parser(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def door(app: App, parser: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    settings = Settings(home=tmp_path_factory.mktemp("home"))
    with opened(app, settings, parser=parser) as door:
        yield door


def code(response: bytes) -> str:
    """The code of the problem in a response."""
    head, _, body = response.partition(b"\r\n\r\n")
    assert b"application/problem+json" in head
    return str(json.loads(body)["code"])


def drip(client: socket.socket, sent: bytes) -> threading.Event:
    """Sends a byte now and then, in a thread, until the server has closed. Set when it has."""
    closed = threading.Event()

    def run() -> None:
        pause = threading.Event()
        try:
            while True:
                client.sendall(sent)
                pause.wait(0.05)
        except OSError:
            closed.set()

    threading.Thread(target=run, daemon=True).start()
    return closed


def test_headers_that_drip_have_one_deadline(door: Door) -> None:
    client = door.connect(b"GET / HTTP/1.1\r\nX: ")
    closed = drip(client, b"x")
    assert code(all_of(client)) == "request_timeout"
    assert closed.wait(LONGEST)
    until(lambda: door.connections == 0)


def test_a_silent_connection_is_closed_without_a_word(door: Door) -> None:
    assert all_of(door.connect()) == b""


def test_blank_lines_are_no_request(door: Door) -> None:
    client = door.connect()
    closed = drip(client, b"\r\n")
    all_of(client)
    assert closed.wait(LONGEST)


def test_a_body_that_drips_ends_and_the_application_hears_it(door: Door, app: App) -> None:
    client = door.connect(request(body=b"x", length=100_000))
    drip(client, b"x")
    assert code(all_of(client)) == "request_timeout"
    until(lambda: app.heard[-1:] == ["http.disconnect"])
    until(lambda: door.connections == 0)


def test_a_body_that_arrives_steadily_has_time(door: Door) -> None:
    size = 20_000
    client = door.connect(request(body=b"", length=size, headers="Connection: close\r\n"))
    pause = threading.Event()
    for _ in range(10):  # twice as long as a body has that stops
        client.sendall(bytes(size // 10))
        pause.wait(0.08)
    assert all_of(client).endswith(b"20000")


def test_an_early_answer_does_not_keep_a_dripping_body_open(door: Door) -> None:
    client = door.connect(request("/early", body=b"x", length=100_000))
    closed = drip(client, b"x")
    response = all_of(client)
    assert response.count(b"HTTP/1.1") == 1
    assert response.startswith(b"HTTP/1.1 200")
    assert closed.wait(LONGEST)


def test_an_idle_connection_serves_again_and_is_closed_then(door: Door) -> None:
    client = door.connect(request())
    first = client.recv(1)
    client.sendall(request(body=b"abc"))
    rest = first + all_of(client)
    assert rest.count(b"HTTP/1.1 200") == 2
    assert rest.endswith(b"3")


def test_requests_sent_at_once_are_all_answered(door: Door) -> None:
    client = door.connect(request() + request(body=b"ab") + request(headers="Connection: close\r\n"))
    assert all_of(client).count(b"HTTP/1.1 200") == 3


def test_who_does_not_read_is_dropped(door: Door) -> None:
    client = door.connect(request("/much"))
    until(lambda: door.connections == 1)
    until(lambda: door.connections == 0)
    client.close()


def test_who_reads_slowly_but_enough_gets_everything(door: Door) -> None:
    client = door.connect(request("/much", headers="Connection: close\r\n"))
    threading.Event().wait(0.6)  # longer than a stalled response has at first; its size gives it more
    assert len(all_of(client)) > MUCH


def test_headers_have_a_largest_size(door: Door) -> None:
    client = door.connect(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + bytes([97]) * (LARGEST_HEAD + 10))
    assert code(all_of(client)) == "head_too_large"


def test_what_is_not_http_is_a_bad_request(door: Door) -> None:
    assert code(all_of(door.connect(b"\x16\x03\x01 garbage\r\n\r\n"))) == "bad_request"


def test_further_connections_are_refused_at_once(app: App, settings: Settings, parser: str) -> None:
    limits = dataclasses.replace(LIMITS, connections=3, per_address=2)
    with opened(app, settings, limits, parser) as door:
        one, two = door.connect(), door.connect()
        refused = all_of(door.connect(request()))
        assert code(refused) == "overloaded"
        assert b"retry-after: 10" in refused.lower()
        assert b"from this address" in refused
        three = door.connect(source="127.0.0.2")  # somebody else
        assert b"from this address" not in all_of(door.connect(request(), source="127.0.0.3"))
        for client in (one, two, three):
            client.close()
        until(lambda: door.connections == 0)
        assert all_of(door.connect(request())).startswith(b"HTTP/1.1 200")


def test_a_trusted_proxy_is_not_one_client(app: App, settings: Settings, parser: str) -> None:
    limits = dataclasses.replace(LIMITS, per_address=1, trusted=Networks(["127.0.0.0/8"]))
    with opened(app, settings, limits, parser) as door:
        open_ones = [door.connect() for _ in range(3)]
        assert all_of(door.connect(request())).startswith(b"HTTP/1.1 200")
        for client in open_ones:
            client.close()


def test_each_server_counts_for_itself() -> None:
    one, other = protocol(LIMITS, "h11"), protocol(LIMITS, "h11")
    assert one.admission is not other.admission  # type: ignore[attr-defined]
    assert issubclass(one, GuardedH11)
    assert issubclass(protocol(LIMITS), Guard)


def test_an_answer_is_a_whole_response() -> None:
    request_id, response = answer(Overloaded("full", retry_after=7))
    head, _, body = response.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 ")
    assert f"Content-Length: {len(body)}".encode() in head
    assert b"Retry-After: 7" in head
    assert b"X-Content-Type-Options: nosniff" in head
    assert json.loads(body)["instance"] == request_id
