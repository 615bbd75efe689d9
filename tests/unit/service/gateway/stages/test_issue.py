"""Issue: without its row in the ledger nothing leaves."""

import pytest

from service.gateway.order import Order
from service.gateway.pipeline import Gateway
from service.installation import Installation
from service.kit.errors import (
    StageFailed,
)
from service.media.pictures import ImageLimits, OutputFormat, decode
from tests.support.gateway import ORDER, Build, Torn


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
