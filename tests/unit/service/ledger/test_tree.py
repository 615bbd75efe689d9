"""The stored tree: each decision adds its own hashes, in the transaction that stores it, and nothing else."""

import contextlib
import sqlite3
from pathlib import Path

import pytest

from service.kit.errors import Unavailable
from service.ledger.chain import entry
from service.ledger.ledger import Ledger
from service.ledger.merkle import CompactRange, Span, includes, inclusion_path, leaf_hash
from service.ledger.tree import hashes, root
from tests.support.database import statements


def refusals(ledger: Ledger, count: int) -> None:
    for number in range(count):
        ledger.refuse(f"urn:uuid:{number}", {"code": "x"})


def test_roots_are_those_of_the_decisions(ledger: Ledger) -> None:
    refusals(ledger, 11)
    tree = CompactRange()
    with ledger.read() as stored:
        entries = [entry(decision) for decision in stored.decisions.raw()]
        for size, each in enumerate(entries, 1):
            tree.append(leaf_hash(each))
            assert root(stored.merkle, size) == tree.root()
    assert ledger.verify().root == tree.root().hex()


def test_a_decision_is_proved_from_what_is_stored(ledger: Ledger) -> None:
    refusals(ledger, 11)
    with ledger.read() as stored:
        path = hashes(stored.merkle, inclusion_path(6, 11))
        (decision,) = stored.decisions.about("urn:uuid:6")
        assert includes(leaf_hash(entry(decision)), 6, 11, path, root(stored.merkle, 11))


def test_appending_reads_one_row_of_hashes_at_most_and_rebuilds_nothing(ledger: Ledger) -> None:
    refusals(ledger, 7)
    for expected in (1, 0):  # the eighth completes three subtrees, the ninth none
        with statements(ledger) as seen:
            refusals(ledger, 1)
        assert len([one for one in seen if "FROM merkle_nodes" in one]) == expected
        assert len([one for one in seen if "INTO merkle_nodes" in one]) == 1


def test_a_tree_with_a_hole_is_not_continued(ledger: Ledger, path: Path) -> None:
    refusals(ledger, 3)
    with sqlite3.connect(path) as database:
        database.execute("DELETE FROM merkle_nodes WHERE number=2")
    with pytest.raises(Unavailable, match="hash 2 of the ledger's Merkle tree is missing"):
        refusals(ledger, 1)
    with pytest.raises(Unavailable), ledger.read() as stored:
        hashes(stored.merkle, [Span(0, 3)])
    assert ledger.ready() == 3


def test_a_chain_that_was_cut_is_not_continued(ledger: Ledger, path: Path) -> None:
    """Who cuts decisions off and forgets the tree is found by the next decision, without an audit: here by a process
    that has not seen the chain before."""
    refusals(ledger, 4)
    with sqlite3.connect(path) as database:
        database.execute("DELETE FROM decisions WHERE seq=4")
    with contextlib.closing(Ledger.open(path)) as other:
        with pytest.raises(Unavailable, match="SQLITE_CONSTRAINT"):
            refusals(other, 1)
        assert other.ready() == 3
    with pytest.raises(Unavailable, match="missing"):
        refusals(ledger, 1)
