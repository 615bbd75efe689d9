import socket
import struct
import threading
import time
from collections.abc import Iterator

import pytest

from service.media.isolation import messages
from service.media.isolation.messages import Closed, receive, send

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    one, other = socket.socketpair()
    with one, other:
        yield one, other


def soon() -> float:
    return time.monotonic() + 60


def late() -> float:
    return time.monotonic() + 0.05


def test_a_message_arrives_whole(pair: Pair) -> None:
    message = {"text": "x" * 3_000_000, "list": [1, None, 2.5]}
    sender = threading.Thread(target=send, args=(pair[0], message, soon()))
    sender.start()
    assert receive(pair[1], soon()) == message
    sender.join()


@pytest.mark.parametrize("sent", [b"", b"\x05\0", struct.pack("<I", 10) + b"{"])
def test_who_stops_in_the_middle_is_waited_for_until_the_deadline(pair: Pair, sent: bytes) -> None:
    pair[0].sendall(sent)
    with pytest.raises(TimeoutError):
        receive(pair[1], late())


def test_a_deadline_that_has_passed_ends_at_once(pair: Pair) -> None:
    with pytest.raises(TimeoutError):
        send(pair[0], {}, time.monotonic() - 1)


def test_who_takes_nothing_is_given_up(pair: Pair) -> None:
    with pytest.raises(TimeoutError):
        send(pair[0], {"x": "x" * 10_000_000}, late())


def test_the_other_side_may_be_gone(pair: Pair) -> None:
    pair[0].close()
    with pytest.raises(Closed):
        receive(pair[1], soon())
    with pytest.raises(Closed):
        send(pair[1], {}, soon())


@pytest.mark.parametrize("body", [b"not json", b"[]", b'"text"', b"\xff", b"[" * 100_000])
def test_what_is_not_an_object_breaks_the_protocol(pair: Pair, body: bytes) -> None:
    pair[0].sendall(struct.pack("<I", len(body)) + body)
    with pytest.raises(Closed):
        receive(pair[1], soon())


def test_no_message_is_larger_than_the_limit(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    pair[0].sendall(struct.pack("<I", 0xFFFFFFFF))
    with pytest.raises(Closed, match="announced"):
        receive(pair[1], soon())
    monkeypatch.setattr(messages, "LARGEST", 10)
    with pytest.raises(ValueError, match="a message of"):
        send(pair[0], {"x": "longer than that"}, soon())
