import datetime as dt
import itertools
import multiprocessing
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.kit.errors import Misconfigured, Unavailable
from service.ledger.chain import GENESIS, canonical, is_sound, link
from service.ledger.ledger import Issue, Ledger
from tests.support.database import engine_of

DAY = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def issue(n: int) -> Issue:
    look = n.to_bytes(32, "big")
    return Issue(n, f"urn:uuid:{n}", DAY, "image/png", 8, 8, f"{n:064}", look, 90, b"m", "m@1", "d", 1, "p")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture
def ledger(path: Path) -> Iterator[Ledger]:
    opened = Ledger.open(f"sqlite:///{path}")
    yield opened
    opened.close()


def fill(ledger: Ledger) -> None:
    for n in (1, 2, 3):
        ledger.issue(issue(n), {"n": n})
    ledger.refuse("urn:uuid:4", {"code": "moderation_blocked"})


def test_what_was_issued_is_found(ledger: Ledger) -> None:
    fill(ledger)
    assert ledger.by_mark(2) == ledger.by_sha256(f"{2:064}") == ledger.by_content_id("urn:uuid:2") == issue(2)
    assert ledger.by_mark(9) is None


def test_a_whole_chain_has_no_problems(ledger: Ledger) -> None:
    empty = ledger.verify()
    fill(ledger)
    audit = ledger.verify(empty.head)
    assert (audit.decisions, audit.images, audit.problems) == (4, 3, ())
    assert ledger.verify(audit.head).problems == ()
    assert ledger.ready() == 4


TAMPERINGS = {
    "a body is edited": ("UPDATE decisions SET body='{}' WHERE seq=4", "decision 4 was changed"),
    "a body becomes bytes": ("UPDATE decisions SET body=x'00ff' WHERE seq=2", "decision 2 was changed"),
    "a kind is edited": ("UPDATE decisions SET kind='issued' WHERE seq=4", "decision 4 was changed"),
    "a time is edited": ("UPDATE decisions SET at='x' WHERE seq=2", "decision 2 was changed"),
    "a decision is removed": ("DELETE FROM decisions WHERE seq=2", "decision 2 is missing"),
    "the first is removed": ("DELETE FROM decisions WHERE seq=1", "decision 1 is missing"),
    "a hash is edited": (f"UPDATE decisions SET hash='{'0' * 63}1' WHERE seq=1", "does not continue"),
    "two change places": ("UPDATE decisions SET seq=seq+10*(seq=2)", "missing"),
    "an image is edited": ("UPDATE images SET sha256='x' WHERE mark_id=1", "urn:uuid:1 was changed"),
    "a manifest is swapped": ("UPDATE images SET manifest=x'00' WHERE mark_id=2", "urn:uuid:2 was changed"),
    "a creation time is edited": ("UPDATE images SET created_at='x' WHERE mark_id=2", "urn:uuid:2 was changed"),
    "a seed is edited": ("UPDATE images SET seed=5 WHERE mark_id=2", "urn:uuid:2 was changed"),
    "an image is removed": ("DELETE FROM images WHERE mark_id=3", "urn:uuid:3 was issued and its row is missing"),
    "an image is slipped in": (
        "INSERT INTO images (mark_id,number,content_id,sha256,created_at,mime,width,height,fingerprint,"
        "fingerprint_quality,manifest,model,model_digest,seed,prompt_digest) SELECT 77,77,'urn:uuid:77','y',created_at,"
        "mime,width,height,fingerprint,fingerprint_quality,manifest,model,model_digest,seed,prompt_digest "
        "FROM images WHERE mark_id=1",
        "urn:uuid:77 has no decision",
    ),
}


@pytest.mark.parametrize(("sql", "problem"), TAMPERINGS.values(), ids=TAMPERINGS.keys())
def test_tampering_shows(ledger: Ledger, path: Path, sql: str, problem: str) -> None:
    fill(ledger)
    with sqlite3.connect(path) as database:
        assert database.execute(sql).rowcount
    assert any(problem in found for found in ledger.verify().problems)


def test_a_cut_tail_shows_against_a_noted_head(ledger: Ledger, path: Path) -> None:
    fill(ledger)
    head = ledger.verify().head
    with sqlite3.connect(path) as database:
        database.execute("DELETE FROM decisions WHERE seq=4")
    assert ledger.verify().problems == ()
    assert "noted head" in ledger.verify(head).problems[0]


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


@given(st.lists(st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=9)), min_size=2, max_size=6))
def test_links_hold_and_break(contents: list[dict[str, object]]) -> None:
    chain = []
    last = None
    for content in contents:
        last = link(last, at=DAY, kind="refused", subject="s", content=content)
        chain.append(last)
    assert chain[0].previous == GENESIS
    for before, after in itertools.pairwise(chain):
        assert after.previous == before.hash
        assert is_sound(after)


def test_canonical_has_one_spelling() -> None:
    assert canonical({"b": 1, "a": "é"}) == '{"a":"\\u00e9","b":1}'
    with pytest.raises(ValueError, match="JSON"):
        canonical({"a": float("nan")})
