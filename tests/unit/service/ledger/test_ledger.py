"""The ledger: what was issued is found, also when several processes write at once."""

import multiprocessing
import sqlite3
from pathlib import Path

import pytest

from service.kit.errors import Misconfigured, Unavailable
from service.ledger.ledger import Ledger
from tests.support.database import engine_of
from tests.support.issued import fill, issue


def test_what_was_issued_is_found(ledger: Ledger) -> None:
    fill(ledger)
    assert ledger.by_mark(2) == ledger.by_sha256(f"{2:064}") == ledger.by_content_id("urn:uuid:2") == issue(2)
    assert ledger.by_mark(9) is None


def test_similar_finds_the_nearest(ledger: Ledger) -> None:
    fill(ledger)
    found = ledger.similar((3).to_bytes(32, "big"), within=1)
    assert [(image.mark_id, far) for image, far in found] == [(3, 0), (1, 1), (2, 1)]
    assert ledger.similar(b"\xff" * 32, within=31) == []


def test_similar_in_an_empty_ledger(ledger: Ledger) -> None:
    assert ledger.similar(bytes(32), within=256) == []


def test_a_taken_id_is_refused_and_leaves_no_decision(ledger: Ledger) -> None:
    fill(ledger)
    with pytest.raises(Unavailable, match="taken"):
        ledger.issue(issue(2), {})
    assert ledger.verify().decisions == 4
    assert ledger.verify().problems == ()


def test_fresh_marks_are_48_bits(ledger: Ledger) -> None:
    assert all(0 <= ledger.fresh_mark_id() < 1 << 48 for _ in range(50))


def append(path: str, first: int) -> None:
    ledger = Ledger.open(f"sqlite:///{path}")
    for n in range(first, first + 15):
        ledger.issue(issue(n), {})


def test_processes_that_start_and_write_at_once_keep_one_chain(path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=append, args=(str(path), 100 * n)) for n in range(1, 5)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    audit = Ledger.open(f"sqlite:///{path}").verify()
    assert (audit.decisions, audit.images, audit.problems) == (60, 60, ())


@pytest.mark.parametrize("url", ["nonsense", "nodialect://x", "sqlite:////no/such/folder/ledger.db"])
def test_a_database_that_cannot_be_opened(url: str) -> None:
    with pytest.raises((Misconfigured, Unavailable)) as caught:
        Ledger.open(url)
    assert caught.value.hint


@pytest.mark.durable
def test_rows_are_on_the_disk_when_issue_returns(ledger: Ledger, path: Path) -> None:
    """Another connection sees them, and SQLite was told to sync every commit."""
    ledger.issue(issue(1), {})
    with sqlite3.connect(path) as database:
        assert database.execute("SELECT count(*) FROM images").fetchone() == (1,)
    with engine_of(ledger).connect() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
