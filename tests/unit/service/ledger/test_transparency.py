import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from service.kit.errors import BadRequest, NotFound
from service.ledger.checkpoints import Checkpoint
from service.ledger.ledger import Ledger
from service.ledger.merkle import EMPTY_ROOT
from service.ledger.proofs import InclusionProof, check_consistency
from service.ledger.transparency import TransparencyLog, open_log
from tests.support.issued import fill


@pytest.fixture
def log(ledger: Ledger) -> TransparencyLog:
    return open_log(ledger, Ed25519PrivateKey.generate(), "example.com/log")


def test_a_checkpoint_is_of_all_decisions_and_signed(ledger: Ledger, log: TransparencyLog) -> None:
    empty = log.checkpoint()
    assert (empty.size, empty.head.root) == (0, EMPTY_ROOT)
    fill(ledger)
    checkpoint = log.checkpoint()
    assert Checkpoint.verified(str(checkpoint.note), log.verifier) == checkpoint
    assert (checkpoint.origin, checkpoint.size) == ("example.com/log", 4)
    assert checkpoint.head.root.hex() == ledger.verify().root
    assert log.checkpoint() == checkpoint


def test_without_an_origin_the_key_names_the_log(ledger: Ledger) -> None:
    one, other = (open_log(ledger, Ed25519PrivateKey.generate(), None).verifier.name for _ in range(2))
    assert one.startswith("countermark/")
    assert one != other


def test_every_decision_is_proved_to_somebody_with_the_key_alone(ledger: Ledger, log: TransparencyLog) -> None:
    fill(ledger)
    for seq in range(1, 5):
        decision = log.find(str(seq))
        disclosed = log.prove(decision, disclose=True).proof
        InclusionProof.parse(str(disclosed)).verify(log.verifier)
        assert (disclosed.decision() or {})["subject"] == decision.subject == f"urn:uuid:{seq}"
        hidden = log.prove(decision, disclose=False)
        assert decision.subject not in str(hidden.proof)
        InclusionProof.parse(str(hidden.proof)).verify(log.verifier, hidden.leaf)


def test_decisions_are_found_by_hash_number_and_what_they_are_about(ledger: Ledger, log: TransparencyLog) -> None:
    fill(ledger)
    ledger.record("appeal", "urn:uuid:2", {"action": "filed"})
    issued = log.find("urn:uuid:2")
    assert (issued.kind, issued.seq) == ("issued", 2)  # not the appeal, which came later
    assert log.find(issued.hash) == log.find("2") == issued
    assert log.find("urn:uuid:4").kind == "refused"
    for unknown in ("urn:uuid:9", "9", "0", "", "f" * 64, "9" * 30):
        with pytest.raises(NotFound):
            log.find(unknown)


def test_each_checkpoint_is_proved_to_continue_those_before(ledger: Ledger, log: TransparencyLog) -> None:
    checkpoints = [log.checkpoint()]
    for number in range(6):
        ledger.refuse(f"urn:uuid:{number}", {"code": "x"})
        checkpoints.append(log.checkpoint())
    for new in checkpoints:
        for old in checkpoints[: new.size + 1]:
            check_consistency(old, new, log.consistency(old.size, new.size))
            assert log.head(old.size) == old.head


def test_what_the_log_does_not_have_yet_is_not_proved(ledger: Ledger, log: TransparencyLog) -> None:
    fill(ledger)
    old = log.checkpoint()
    newer = ledger.refuse("urn:uuid:5", {"code": "x"})
    with pytest.raises(BadRequest, match="newer than the checkpoint of 4"):
        log.prove(newer, old, disclose=True)
    assert log.prove(log.find("1"), old, disclose=True).proof.checkpoint == old
    for wrong in ((0, 6), (4, 3), (-1, 3)):
        with pytest.raises(BadRequest):
            log.consistency(*wrong)
    with pytest.raises(BadRequest):
        log.head(6)
