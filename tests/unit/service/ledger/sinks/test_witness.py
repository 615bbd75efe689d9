"""A witness that is honest, and one that is down, slow, or lies."""

import threading
from collections.abc import Callable, Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from service.kit.errors import Misconfigured
from service.ledger.checkpoints import Checkpoint
from service.ledger.ledger import Ledger
from service.ledger.merkle import TreeHead
from service.ledger.notes import VerifierKey
from service.ledger.sinks.sink import Ahead, CheckpointSink, Contradiction, NotTaken
from service.ledger.transparency import TransparencyLog, open_log
from tests.support.issued import fill
from tests.support.witness import NAME, Answer, Witness, cosignature, running
from tests.unit.service.ledger.sinks.conftest import OpenSink


@pytest.fixture
def log(ledger: Ledger) -> TransparencyLog:
    fill(ledger)
    return open_log(ledger, Ed25519PrivateKey.generate(), "example.com/log")


@pytest.fixture(scope="module")
def server() -> Iterator[Witness]:
    with running(Witness()) as started:
        yield started


@pytest.fixture
def witness(server: Witness) -> Witness:
    """As new."""
    fresh = Witness()
    server.seen, server.behave, server.requests = fresh.seen, fresh.behave, 0
    return server


@pytest.fixture
def sink(witness: Witness, opened: OpenSink) -> CheckpointSink:
    return opened(f"{witness.url}#{witness.verifier}", required=True)


@pytest.fixture
def restarted(witness: Witness, opened: OpenSink) -> CheckpointSink:
    """Another process's sink."""
    return opened(f"{witness.url}#{witness.verifier}", required=True)


def test_it_cosigns_what_continues_what_it_has_seen(
    ledger: Ledger, log: TransparencyLog, witness: Witness, sink: CheckpointSink
) -> None:
    assert sink.name == f"witness {NAME}"
    for _ in range(3):
        checkpoint = log.checkpoint()
        witnessed = checkpoint.cosigned(sink.take(checkpoint, log))
        witnessed.note.verify(witness.verifier)
        assert witness.seen == checkpoint.head
        ledger.refuse("urn:uuid:5", {"code": "x"})
    assert witness.requests == 3


def test_after_a_restart_it_says_what_it_has_seen(
    ledger: Ledger, log: TransparencyLog, witness: Witness, sink: CheckpointSink, restarted: CheckpointSink
) -> None:
    sink.take(log.checkpoint(), log)
    ledger.refuse("urn:uuid:5", {"code": "x"})
    restarted.take(log.checkpoint(), log)
    assert (witness.requests, witness.seen.size) == (3, 5)
    sink.take(log.checkpoint(), log)  # the same once more


def test_a_ledger_with_fewer_decisions_than_it_has_seen(
    ledger: Ledger, log: TransparencyLog, sink: CheckpointSink, restarted: CheckpointSink
) -> None:
    old = log.checkpoint()
    ledger.refuse("urn:uuid:5", {"code": "x"})
    sink.take(log.checkpoint(), log)
    for each in (sink, restarted):
        with pytest.raises(Ahead) as caught:
            each.take(old, log)
        assert (caught.value.size, caught.value.proved) == (5, False)
    sink.take(log.checkpoint(), log)


@pytest.mark.parametrize("size", [2, 4])
def test_a_ledger_with_other_decisions_than_it_has_seen(
    log: TransparencyLog, witness: Witness, sink: CheckpointSink, size: int
) -> None:
    witness.seen = TreeHead(size, bytes(32))
    with pytest.raises(Contradiction, match="it has seen") as caught:
        sink.take(log.checkpoint(), log)
    assert not caught.value.proved
    assert witness.seen == TreeHead(size, bytes(32))


def signed(body: str, key: Ed25519PrivateKey, name: str = NAME) -> str:
    return str(cosignature(Checkpoint.parse(body.partition("\n\n")[2]).note.text, name, key))


STRANGER = Ed25519PrivateKey.generate()

Behaviour = Callable[[str, Callable[[str], Answer]], Answer]

LIES: dict[str, tuple[Behaviour, str]] = {
    "another's signature under its name": (lambda body, honest: (200, signed(body, STRANGER)), "not valid"),
    "another witness's": (lambda body, honest: (200, signed(body, STRANGER, "other.example/w")), "not valid"),
    "a signature of something else": (lambda body, honest: (200, honest(body)[1].replace("w ", "w AAAA")), "not "),
    "nothing": (lambda body, honest: (200, ""), "not a cosignature"),
    "no signature": (lambda body, honest: (200, "OK\n"), "not a cosignature"),
    "far too much": (lambda body, honest: (200, honest(body)[1] * 1000), "too long"),
    "a conflict without a size": (lambda body, honest: (409, "more\n"), "status 409"),
    "a conflict with what was sent": (lambda body, honest: (409, "0\n"), "again and again"),
    "a fault": (lambda body, honest: (500, ""), "status 500"),
    "elsewhere": (lambda body, honest: (302, ""), "status 302"),
    "an unknown log": (lambda body, honest: (404, ""), "does not know this log"),
    "an unknown key": (lambda body, honest: (403, ""), "does not accept this log's key"),
}


@pytest.mark.parametrize(("behave", "reason"), LIES.values(), ids=LIES.keys())
def test_a_witness_that_lies_took_nothing(
    log: TransparencyLog, witness: Witness, sink: CheckpointSink, behave: Behaviour, reason: str
) -> None:
    witness.behave = behave
    with pytest.raises(NotTaken, match=reason):
        sink.take(log.checkpoint(), log)


def test_a_cosignature_beside_one_of_a_stranger_counts(
    log: TransparencyLog, witness: Witness, sink: CheckpointSink
) -> None:
    witness.behave = lambda body, honest: (200, signed(body, STRANGER, "other.example/w") + honest(body)[1])
    (line,) = sink.take(log.checkpoint(), log)
    assert line.name == NAME


def test_a_witness_that_is_down_or_slow_took_nothing(log: TransparencyLog, witness: Witness, opened: OpenSink) -> None:
    with pytest.raises(NotTaken, match="cannot be reached"):
        opened(f"http://127.0.0.1:1#{witness.verifier}", 1, required=True).take(log.checkpoint(), log)
    late = threading.Event()
    witness.behave = lambda body, honest: ((late.wait(30) and 200) or 500, "")
    with pytest.raises(NotTaken, match="cannot be reached"):
        opened(f"{witness.url}#{witness.verifier}", 0.1, required=True).take(log.checkpoint(), log)
    late.set()


def test_an_address_has_the_witness_s_key(witness: Witness, opened: OpenSink) -> None:
    plain = VerifierKey(NAME, witness.verifier.public)
    for wrong in ("https://witness.example", "https://witness.example#key", f"https://witness.example#{plain}",
                  f"https:#{witness.verifier}"):  # fmt: skip
        with pytest.raises(Misconfigured, match="witness"):
            opened(wrong, 1, required=True)
