"""Whatever is changed behind the ledger's back shows in an audit."""

import sqlite3
from pathlib import Path

import pytest

from service.ledger.ledger import Ledger
from tests.support.issued import fill


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
