import json
import socket
from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from service.kit.errors import Misconfigured
from service.ledger.ledger import Ledger
from service.ledger.sinks.sink import NotTaken
from service.ledger.transparency import TransparencyLog, open_log
from tests.unit.service.ledger.sinks.conftest import OpenSink


@pytest.fixture
def log(ledger: Ledger) -> TransparencyLog:
    return open_log(ledger, Ed25519PrivateKey.generate(), "example.com/log")


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiving:
        receiving.bind(("127.0.0.1", 0))
        receiving.settimeout(10)
        yield receiving


def test_a_checkpoint_is_one_line_of_the_audit_facility(
    log: TransparencyLog, server: socket.socket, opened: OpenSink
) -> None:
    sink = opened(f"syslog://127.0.0.1:{server.getsockname()[1]}", required=False)
    for _ in range(2):
        sink.take(log.checkpoint(), log)
        line = server.recv(1 << 16).decode().rstrip("\0")
        priority, _, text = line.partition("countermark: ")
        assert priority == f"<{13 * 8 + 6}>"
        assert "\n" not in text
        assert json.loads(text)["note"] == str(log.checkpoint().note)


def test_what_does_not_answer_cannot_be_required(opened: OpenSink) -> None:
    for address in ("syslog:", "syslog://127.0.0.1:514"):
        assert not opened(address, required=False).confirms
        with pytest.raises(Misconfigured, match="never says whether it took"):
            opened(address, required=True)


def test_a_syslog_that_cannot_be_reached_takes_nothing(
    log: TransparencyLog, tmp_path: object, opened: OpenSink
) -> None:
    sink = opened(f"syslog:{tmp_path}/nobody", required=False)
    for _ in range(2):
        with pytest.raises(NotTaken, match="cannot be reached"):
            sink.take(log.checkpoint(), log)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        with pytest.raises(NotTaken, match="cannot be reached"):
            opened(f"syslog+tcp://127.0.0.1:{port}", required=False).take(log.checkpoint(), log)


def test_over_tcp_a_host_is_needed(opened: OpenSink) -> None:
    with pytest.raises(Misconfigured, match="needs its host"):
        opened("syslog+tcp:", required=False)
