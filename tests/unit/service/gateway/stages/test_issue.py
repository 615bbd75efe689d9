"""Issue: without its row in the ledger nothing leaves."""

import pytest

from service.gateway.order import Order
from service.gateway.pipeline import Gateway
from service.installation import Installation
from service.kit.errors import CheckpointNotTaken, StageFailed
from service.ledger.checkpoints import Checkpoint
from service.ledger.proofs import InclusionProof
from service.ledger.publisher import CheckpointPublisher
from service.ledger.sinks.sink import NotTaken
from service.ledger.transparency import TransparencyLog
from service.media.pictures import ImageLimits, OutputFormat, decode
from tests.support.gateway import ORDER, Build, Torn, Untouchable


@pytest.mark.parametrize("refuses_too", [False, True])
def test_without_its_row_nothing_leaves(build: Build, installation: Installation, refuses_too: bool) -> None:
    with pytest.raises(StageFailed) as caught:
        build(ledger=Torn(installation.ledger, refuses_too)).release(ORDER)
    assert caught.value.stage == "issue"
    assert installation.ledger.verify().images == 0


def test_a_taken_mark_id_is_refused_and_overwrites_nothing(
    build: Build, installation: Installation, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = gateway.release(ORDER)
    monkeypatch.setattr(installation.ledger, "fresh_mark_id", lambda: first.admitted.mark_id)
    with pytest.raises(StageFailed):
        gateway.release(ORDER)
    stored = installation.ledger.by_mark(first.admitted.mark_id)
    assert stored is not None
    assert stored.sha256 == first.sha256


@pytest.mark.parametrize("to", ["png", "jpeg", "webp"])
def test_the_row_describes_the_file(gateway: Gateway, installation: Installation, to: OutputFormat) -> None:
    released = gateway.release(Order(prompt="a lake at dawn", seed=7, format=to))
    row = installation.ledger.by_sha256(released.sha256)
    assert row is not None
    assert (row.width, row.height) == decode(released.data, ImageLimits(1 << 20, 1 << 20)).size
    assert row.mime == f"image/{to}"
    assert installation.credentials.read(released.data, released.mime, row.manifest).state == "trusted"


def test_a_released_image_comes_with_the_proof_of_its_decision(gateway: Gateway, installation: Installation) -> None:
    released = gateway.release(ORDER)
    proof = InclusionProof.parse(released.proof)
    proof.verify(installation.log.verifier)
    (decision,) = installation.ledger.decided(released.admitted.content_id)
    assert decision.hash == released.decision
    told = proof.decision() or {}
    assert (told["subject"], told["body"]) == (released.admitted.content_id, decision.content)


class Fails:
    """A sink that takes so many checkpoints and no more."""

    name, confirms = "test", True

    def __init__(self, after: int) -> None:
        self.left = after

    def take(self, checkpoint: Checkpoint, log: TransparencyLog) -> tuple[()]:
        self.left -= 1
        if self.left < 0:
            raise NotTaken("it is down")
        return ()

    def close(self) -> None:
        pass


def requiring(installation: Installation, sink: Fails) -> CheckpointPublisher:
    return CheckpointPublisher(installation.log, [sink], [], timeout=30, seconds=60)


def test_what_a_required_sink_did_not_take_does_not_leave(build: Build, installation: Installation) -> None:
    """Its row stays, and the refusal after it says that nobody received it."""
    gateway = build(publisher=requiring(installation, Fails(after=2)))
    gateway.release(ORDER)
    with pytest.raises(CheckpointNotTaken, match="it is down") as caught:
        gateway.release(ORDER)
    assert caught.value.stage == "issue"
    issued, refusal = installation.ledger.decided(caught.value.content_id or "")
    assert (issued.kind, refusal.kind, refusal.content["code"]) == ("issued", "refused", "checkpoint_not_taken")
    assert installation.ledger.verify().problems == ()


def test_a_gateway_whose_record_nobody_takes_generates_nothing(build: Build, installation: Installation) -> None:
    gateway = build(Untouchable(), publisher=requiring(installation, Fails(after=0)))
    with pytest.raises(CheckpointNotTaken) as caught:
        gateway.release(ORDER)
    assert caught.value.stage == "admit"
    assert installation.ledger.verify().images == 0
