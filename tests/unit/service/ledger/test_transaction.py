"""The unit of work: rows and their decision are stored together, or neither is."""

import threading

import pytest

from service.kit.errors import NotFound, Unavailable
from service.ledger.ledger import Ledger
from service.storage import Listed
from tests.support.clock import NOON
from tests.support.database import engine_of

HASHES = [Listed("sha256", "a" * 64)]


def active(ledger: Ledger) -> int:
    with ledger.read() as stored:
        return sum(summary.active for summary in stored.blocklist.summaries())


def test_rows_and_decision_are_stored_together(ledger: Ledger) -> None:
    with ledger.decision("blocklist", "ncii") as transaction:
        added = transaction.blocklist.add(HASHES, "ncii", "test", NOON, active=True)
        transaction.record(action="add", added=added)
        assert active(ledger) == 0  # nobody else sees it yet
    assert active(ledger) == 1
    assert ledger.decided("ncii") == (transaction.decision,)
    assert transaction.decision.content == {"action": "add", "added": 1}
    assert ledger.verify(transaction.decision.hash).problems == ()


def test_if_the_block_raises_nothing_is_stored(ledger: Ledger) -> None:
    def fails() -> None:
        with ledger.decision("blocklist", "ncii") as transaction:
            transaction.blocklist.add(HASHES, "ncii", "test", NOON, active=True)
            transaction.record(action="add")
            raise NotFound("something")

    with pytest.raises(NotFound):
        fails()
    assert active(ledger) == ledger.ready() == 0


def test_a_decision_without_content_is_a_bug_and_stores_nothing(ledger: Ledger) -> None:
    with pytest.raises(RuntimeError, match="without content"), ledger.decision("blocklist", "ncii") as transaction:
        transaction.blocklist.add(HASHES, "ncii", "test", NOON, active=True)
    assert active(ledger) == ledger.ready() == 0


def test_a_content_that_is_not_json_stores_nothing(ledger: Ledger) -> None:
    for wrong in (object(), float("nan"), b"bytes"):
        with pytest.raises((TypeError, ValueError)), ledger.decision("blocklist", "ncii") as transaction:
            transaction.record(action=wrong)
    assert ledger.ready() == 0


def test_the_content_is_set_once(ledger: Ledger) -> None:
    with ledger.decision("blocklist", "ncii") as transaction:
        transaction.record(action="add")
        with pytest.raises(RuntimeError, match="set already"):
            transaction.record(action="remove")
    assert transaction.decision.content == {"action": "add"}


def test_there_is_no_decision_before_the_end(ledger: Ledger) -> None:
    with ledger.decision("blocklist", "ncii") as transaction:
        transaction.record(action="add")
        with pytest.raises(RuntimeError, match="at the end"):
            _ = transaction.decision


def test_what_is_read_in_a_transaction_still_holds_when_it_ends(ledger: Ledger) -> None:
    """The lock is taken at the start: a second writer waits, and no block ever has to be run again."""
    started, order = threading.Event(), []

    def second() -> None:
        started.set()
        with ledger.decision("blocklist", "ncii") as transaction:
            order.append(f"second sees {len(transaction.blocklist.states('ncii', 'test'))}")
            transaction.record(action="look")

    with ledger.decision("blocklist", "ncii") as transaction:
        other = threading.Thread(target=second)
        other.start()
        started.wait()
        order.append(f"first sees {len(transaction.blocklist.states('ncii', 'test'))}")
        transaction.blocklist.add(HASHES, "ncii", "test", NOON, active=True)
        transaction.record(action="add")
    other.join()
    assert order == ["first sees 0", "second sees 1"]
    assert ledger.verify().problems == ()


def test_a_reader_cannot_write(ledger: Ledger) -> None:
    with pytest.raises(RuntimeError, match="for reading"), ledger.read() as stored:
        stored.blocklist.add(HASHES, "ncii", "test", NOON, active=True)
    with pytest.raises(RuntimeError, match="for reading"), ledger.read() as stored:
        stored.takedowns.set_status("T-1", "appealed")
    assert active(ledger) == 0


def test_a_row_that_contradicts_another_is_unavailable_and_stores_nothing(ledger: Ledger) -> None:
    ledger.refuse("urn:uuid:1", {})
    (first,) = ledger.decided("urn:uuid:1")

    def again() -> None:
        with ledger.decision("blocklist", "ncii") as transaction:
            transaction.blocklist.add(HASHES, "ncii", "test", NOON, active=True)
            transaction.record(action="add")
            transaction.decisions.append(first)

    with pytest.raises(Unavailable, match="SQLITE_CONSTRAINT"):
        again()
    assert (ledger.ready(), active(ledger)) == (1, 0)


def test_a_write_without_a_decision_is_stored(ledger: Ledger) -> None:
    with ledger.write() as stored:
        stored.blocklist.add(HASHES, "ncii", "test", NOON, active=True)
    assert (active(ledger), ledger.ready()) == (1, 0)


def test_every_connection_is_given_back(ledger: Ledger) -> None:
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), ledger.decision("blocklist", "ncii"):
            raise ZeroDivisionError
        with pytest.raises(ZeroDivisionError), ledger.read():
            raise ZeroDivisionError
    assert engine_of(ledger).pool.checkedout() == 0  # type: ignore[attr-defined]
