"""Checkpoints go to every sink; and what a required sink did not take is not covered."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from service.kit.errors import CheckpointNotTaken, Unavailable
from service.ledger.checkpoints import Checkpoint
from service.ledger.continuity import Continuity
from service.ledger.ledger import Ledger
from service.ledger.merkle import stored_count
from service.ledger.notes import SignatureLine
from service.ledger.publisher import CheckpointPublisher
from service.ledger.sinks.file import FileSink
from service.ledger.sinks.sink import Ahead, CheckpointSink, Contradiction, NotTaken
from service.ledger.transparency import TransparencyLog, open_log
from service.storage import Decision
from tests.support.database import engine_of
from tests.support.waiting import until
from tests.support.witness import NAME, Witness, cosignature


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Sink:
    """Remembers what it took; `answer` may raise or wait before that."""

    confirms = True

    def __init__(self, name: str = "sink") -> None:
        self.name = name
        self.sizes: list[int] = []
        self.answer: Callable[[Checkpoint], Sequence[SignatureLine]] = lambda checkpoint: ()
        self.closed = False

    def take(self, checkpoint: Checkpoint, log: TransparencyLog) -> Sequence[SignatureLine]:
        lines = self.answer(checkpoint)
        self.sizes.append(checkpoint.size)
        return lines

    def close(self) -> None:
        self.closed = True


def failing(error: Exception) -> Callable[[Checkpoint], Sequence[SignatureLine]]:
    def answer(checkpoint: Checkpoint) -> Sequence[SignatureLine]:
        raise error

    return answer


@pytest.fixture
def log(ledger: Ledger) -> TransparencyLog:
    return open_log(ledger, Ed25519PrivateKey.generate(), "example.com/log")


@pytest.fixture
def clock() -> Clock:
    return Clock()


Publish = Callable[..., CheckpointPublisher]


@pytest.fixture
def publish(log: TransparencyLog, clock: Clock) -> Publish:
    """Makes a publisher: (required, optional)."""

    def make(
        required: Sequence[CheckpointSink] = (), optional: Sequence[CheckpointSink] = (), timeout: float = 30
    ) -> CheckpointPublisher:
        return CheckpointPublisher(log, required, optional, timeout=timeout, seconds=0.01, clock=clock)

    return make


def decide(ledger: Ledger) -> Decision:
    return ledger.refuse("urn:uuid:1", {"code": "x"})


def test_without_sinks_a_checkpoint_is_signed_at_once(ledger: Ledger, log: TransparencyLog, publish: Publish) -> None:
    publisher = publish()
    publisher.check()
    publisher.start()
    decision = decide(ledger)
    assert publisher.cover(decision) == publisher.latest() == log.checkpoint()
    assert publisher.status() == "off"
    publisher.prove_released(decision).verify(log.verifier)
    publisher.close()


def test_a_decision_is_covered_once_every_required_sink_has_it(ledger: Ledger, publish: Publish) -> None:
    one, other, optional = Sink(), Sink(), Sink()
    publisher = publish([one, other], [optional])
    publisher.check()
    assert one.sizes == other.sizes == optional.sizes == [0]
    assert publisher.cover(decide(ledger)).size == 1
    assert (one.sizes, other.sizes, publisher.status()) == ([0, 1], [0, 1], "ok")


def test_cosignatures_are_in_the_checkpoint_and_its_proofs(
    ledger: Ledger, log: TransparencyLog, publish: Publish
) -> None:
    witness, sink, plain = Witness(), Sink(), Sink()
    sink.answer = lambda checkpoint: [cosignature(checkpoint.note.text, NAME, witness.key)]
    publisher = publish([sink, plain])
    decision = decide(ledger)
    publisher.cover(decision).note.verify(witness.verifier)
    publisher.latest().note.verify(witness.verifier)
    newer = decide(ledger)
    for proof in (publisher.prove_released(decision), publisher.prove(decision, disclose=True).proof):
        proof.checkpoint.note.verify(witness.verifier)
        proof.verify(log.verifier)
    unseen = publisher.prove(newer, disclose=False)  # the witness has not seen it yet
    unseen.proof.verify(log.verifier, unseen.leaf)
    assert len(unseen.proof.checkpoint.note.signatures) == 1


def test_decisions_that_wait_together_share_a_round(ledger: Ledger, publish: Publish) -> None:
    """The first round is held up until all have decided: one more covers the rest."""
    sink, gate, entered = Sink(), threading.Event(), threading.Event()

    def hold(checkpoint: Checkpoint) -> Sequence[SignatureLine]:
        entered.set()
        gate.wait(30)
        return ()

    sink.answer = hold
    publisher = publish([sink])
    decisions, covered = [decide(ledger)], []
    threads = [threading.Thread(target=lambda: covered.append(publisher.cover(decisions[0]).size))]
    threads[0].start()
    entered.wait(30)
    for _ in range(4):
        decisions.append(decide(ledger))
        decision = decisions[-1]
        threads.append(threading.Thread(target=lambda each=decision: covered.append(publisher.cover(each).size)))
        threads[-1].start()
    gate.set()
    for thread in threads:
        thread.join()
    assert sink.sizes == [1, 5]
    assert sorted(covered) == [1, 5, 5, 5, 5] or covered == [5] * 5


FAULTS = {
    "did not take it": (NotTaken("it cannot be reached"), "it cannot be reached"),
    "contradicts": (Contradiction("it has seen another log", proved=False), "it has seen another log"),
    "has a bug": (ZeroDivisionError(), "ZeroDivisionError"),
    "is always ahead": (Ahead(1, proved=False), "again and again"),
    "has more than there is": (Ahead(99, proved=False), "99 decisions, and the ledger has 1: decisions were cut off"),
}


@pytest.mark.parametrize(("fault", "reason"), FAULTS.values(), ids=FAULTS.keys())
def test_what_a_required_sink_did_not_take_is_not_covered(
    ledger: Ledger, publish: Publish, fault: Exception, reason: str
) -> None:
    good, bad = Sink("good"), Sink("bad")
    bad.answer = failing(fault)
    publisher = publish([good, bad])
    with pytest.raises(CheckpointNotTaken, match=reason) as caught:
        publisher.cover(decide(ledger))
    assert (caught.value.stage, "sink bad" in caught.value.message) == ("issue", True)
    with pytest.raises(CheckpointNotTaken) as caught:
        publisher.check()
    assert caught.value.stage == "admit"
    with pytest.raises(Unavailable, match=reason):
        publisher.status()


@pytest.mark.parametrize(("fault", "reason"), FAULTS.values(), ids=FAULTS.keys())
def test_an_optional_sink_stops_nothing_and_shows(
    ledger: Ledger, publish: Publish, fault: Exception, reason: str
) -> None:
    sink = Sink()
    sink.answer = failing(fault)
    publisher = publish([], [sink])
    publisher.cover(decide(ledger))
    publisher.check()
    assert publisher.status() == "failing"


def test_a_slow_sink_did_not_take_it(ledger: Ledger, publish: Publish) -> None:
    sink, late = Sink(), threading.Event()

    def answer(checkpoint: Checkpoint) -> Sequence[SignatureLine]:
        late.wait(30)
        return ()

    sink.answer = answer
    publisher = publish([sink], timeout=0.05)
    with pytest.raises(CheckpointNotTaken, match=r"no answer within 0\.05 s"):
        publisher.cover(decide(ledger))
    late.set()


def test_a_sink_that_comes_back_opens_the_gateway(ledger: Ledger, publish: Publish, clock: Clock) -> None:
    sink = Sink()
    sink.answer = failing(NotTaken("it is down"))
    publisher = publish([sink])
    with pytest.raises(CheckpointNotTaken):
        publisher.check()
    sink.answer = lambda checkpoint: ()
    with pytest.raises(CheckpointNotTaken):  # within a second it is not asked again
        publisher.check()
    assert sink.sizes == []
    clock.now += 1
    publisher.check()
    assert (sink.sizes, publisher.status()) == ([0], "ok")


class Counted:
    """A lock that counts who came to it."""

    def __init__(self) -> None:
        self._lock, self.came = threading.Lock(), 0

    def __enter__(self) -> None:
        self.came += 1
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def test_callers_do_not_wait_one_after_the_other_for_a_sink_that_is_down(
    ledger: Ledger, publish: Publish, clock: Clock
) -> None:
    sink, gate, entered = Sink(), threading.Event(), threading.Event()
    asked: list[int] = []

    def fail(checkpoint: Checkpoint) -> Sequence[SignatureLine]:
        asked.append(checkpoint.size)
        entered.set()
        gate.wait(30)
        clock.now += 5
        raise NotTaken("it is down")

    sink.answer = fail
    publisher = publish([sink], timeout=1e6)
    lock = publisher._rounds[True] = Counted()  # type: ignore[assignment]
    decision = decide(ledger)
    refused: list[CheckpointNotTaken] = []

    def cover() -> None:
        try:
            publisher.cover(decision)
        except CheckpointNotTaken as refusal:
            refused.append(refusal)

    threads = [threading.Thread(target=cover) for _ in range(4)]
    for thread in threads:
        thread.start()
    entered.wait(30)
    until(lambda: lock.came == 4)
    gate.set()
    for thread in threads:
        thread.join()
    assert (len(refused), asked) == (4, [1])


def roll_back(ledger: Ledger, decisions: int) -> None:
    """As an older copy of the database would be, with its tree, to a process that has not seen the newer one."""
    with engine_of(ledger).begin() as connection:
        connection.exec_driver_sql(f"DELETE FROM decisions WHERE seq > {decisions}")
        connection.exec_driver_sql(f"DELETE FROM merkle_nodes WHERE number >= {stored_count(decisions)}")
    ledger._continuity = Continuity((0, ""))


@pytest.mark.parametrize("required", [True, False])
def test_a_ledger_that_was_rolled_back_is_found_at_the_start(
    ledger: Ledger, publish: Publish, tmp_path: Path, clock: Clock, required: bool
) -> None:
    """The file has a checkpoint with our own signature, so it closes the gateway even where it is not required."""
    file = FileSink(tmp_path / "checkpoints")
    sinks = ([file], []) if required else ([], [file])
    before = publish(*sinks)
    for _ in range(3):
        before.cover(decide(ledger))
    roll_back(ledger, 2)
    assert ledger.verify().problems == ()
    restarted = publish(*sinks)
    for _ in range(2):
        with pytest.raises(CheckpointNotTaken, match="3 decisions, and the ledger has 2: decisions were cut off"):
            restarted.check()
        with pytest.raises(Unavailable, match="were cut off"):
            restarted.status()
        clock.now += 1
    decide(ledger)  # another third decision
    clock.now += 1
    with pytest.raises(CheckpointNotTaken, match="the first 3 decisions are not those"):
        restarted.check()


def test_in_the_background_every_sink_follows(ledger: Ledger, publish: Publish) -> None:
    optional, required = Sink(), Sink()
    publisher = publish([required], [optional])
    publisher.start()
    decide(ledger)
    until(lambda: optional.sizes[-1:] == [1] and required.sizes[-1:] == [1])
    publisher.close()
    assert optional.closed
    assert required.closed


def test_a_ledger_that_cannot_be_read_is_not_covered(
    ledger: Ledger, log: TransparencyLog, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    publisher, decision = publish([Sink()]), decide(ledger)

    def unreadable() -> Checkpoint:
        raise Unavailable("the ledger cannot be read")

    monkeypatch.setattr(log, "checkpoint", unreadable)
    with pytest.raises(CheckpointNotTaken, match="cannot be read"):
        publisher.cover(decision)
