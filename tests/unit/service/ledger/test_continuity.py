import pytest

from service.ledger.continuity import Continuity, contains
from service.ledger.ledger import Ledger


def test_the_newest_decision_is_kept_whatever_order_threads_note_it_in() -> None:
    continuity = Continuity((3, "c"))
    for head in ((5, "e"), (4, "d")):
        continuity.note(head)
    assert continuity.known == (5, "e")


@pytest.mark.parametrize(
    ("seq", "changed", "expected"), [(0, "", True), (1, "", True), (2, "", True), (1, "x", False), (2, "x", False)]
)
def test_a_chain_contains_its_own_decisions(ledger: Ledger, seq: int, changed: str, expected: bool) -> None:
    hashes = [""] + [ledger.refuse(f"urn:uuid:{n}", {}).hash for n in (1, 2)]
    with ledger.read() as stored:
        assert contains((seq, hashes[seq] + changed), stored.decisions.head(), stored.decisions) is expected
        assert not contains((3, "c"), stored.decisions.head(), stored.decisions)
