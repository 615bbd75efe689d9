"""Whatever is changed behind the ledger's back shows in an audit."""

import sqlite3
from pathlib import Path

import pytest

from service.ledger.ledger import Ledger
from service.ledger.merkle import TreeHead, stored_count
from tests.support.issued import fill


def test_a_whole_chain_has_no_problems(ledger: Ledger) -> None:
    empty = ledger.verify()
    fill(ledger)
    audit = ledger.verify(empty.head)
    assert (audit.decisions, audit.images, audit.problems) == (4, 3, ())
    assert ledger.verify(audit.head).problems == ()
    assert ledger.ready() == 4


TAMPERINGS = {
    "a hash of the tree is edited": ("UPDATE merkle_nodes SET hash=x'00' WHERE number=2", "from decision 2 on"),
    "a hash of the tree is removed": ("DELETE FROM merkle_nodes WHERE number=3", "from decision 3 on"),
    "a hash of the tree becomes text": ("UPDATE merkle_nodes SET hash='x' WHERE number=0", "from decision 1 on"),
    "the tree is removed": ("DELETE FROM merkle_nodes", "from decision 1 on"),
    "the tree goes on": ("INSERT INTO merkle_nodes VALUES (99, x'00')", "goes on after the last decision"),
    "a decision is not in the tree": ("UPDATE decisions SET body='{}' WHERE seq=4", "from decision 4 on"),
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


def cut(path: Path, decisions: int) -> None:
    """Cut off everything after so many decisions, with its tree: nothing inside the database shows it."""
    with sqlite3.connect(path) as database:
        database.execute(f"DELETE FROM decisions WHERE seq > {decisions}")
        database.execute(f"DELETE FROM merkle_nodes WHERE number >= {stored_count(decisions)}")


def test_a_cut_tail_shows_in_the_tree(ledger: Ledger, path: Path) -> None:
    fill(ledger)
    with sqlite3.connect(path) as database:
        database.execute("DELETE FROM decisions WHERE seq=4")
    assert ledger.verify().problems == ("the Merkle tree goes on after the last decision: decisions were cut off",)


def test_a_cut_tail_shows_against_a_noted_head(ledger: Ledger, path: Path) -> None:
    fill(ledger)
    head = ledger.verify().head
    cut(path, 3)
    assert ledger.verify().problems == ()
    assert "noted head" in ledger.verify(head).problems[0]


def test_an_earlier_tree_must_be_the_beginning_of_this_one(ledger: Ledger, path: Path) -> None:
    empty = TreeHead(0, bytes.fromhex(ledger.verify().root))
    ledger.refuse("urn:uuid:0", {})
    one = TreeHead(1, bytes.fromhex(ledger.verify().root))
    fill(ledger)
    five = TreeHead(5, bytes.fromhex(ledger.verify().root))
    for earlier in (empty, one, five):
        assert ledger.verify(against=earlier).problems == ()
    for other in (TreeHead(0, one.root), TreeHead(1, five.root), TreeHead(5, one.root), TreeHead(2, five.root)):
        (problem,) = ledger.verify(against=other).problems
        assert f"the first {other.size} decisions are not those of the checkpoint" in problem
    cut(path, 4)
    assert ledger.verify(against=one).problems == ()
    (problem,) = ledger.verify(against=five).problems
    assert "the checkpoint has 5 decisions, the ledger 4" in problem


def test_a_history_that_was_rewritten_with_its_tree_shows(ledger: Ledger, path: Path) -> None:
    ledger.refuse("urn:uuid:0", {"code": "unsafe"})
    before = ledger.verify()
    noted = TreeHead(1, bytes.fromhex(before.root))
    ledger.close()
    path.unlink()
    rewritten = Ledger.open(path)
    rewritten.refuse("urn:uuid:0", {"code": "cancelled"})
    assert rewritten.verify().problems == ()
    assert rewritten.verify(against=noted).problems == (
        "the first 1 decisions are not those of the checkpoint: they were rewritten",
    )
    rewritten.close()
