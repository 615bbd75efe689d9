"""Marks that an image already carries are kept, and told."""

import json

import numpy as np
import pytest

from service.gateway.stages import earlier_marks as module
from service.gateway.stages.earlier_marks import EarlierMark, earlier_marks
from service.gateway.summary import summarize
from service.installation import Installation
from tests.support.gateway import ORDER, Build
from tests.support.painter import Misbehaving, landscape
from watermark import Codec, Keyring
from watermark.foreign.protocol import ForeignReading

OLD, NEW = b"an older secret of the tests", b"a newer secret of the tests"
CODEC = Codec(Keyring.from_secrets([NEW, OLD]))


@pytest.mark.parametrize("writer", [CODEC, Codec(Keyring.from_secret(OLD)), Codec(Keyring.from_secret(OLD), version=1)])
def test_an_earlier_mark_is_kept_and_told(writer: Codec) -> None:
    draft = writer.embed(landscape(3, 512, 512), 7)
    finished = CODEC.embed(draft, 9)
    (mark,) = earlier_marks(CODEC, draft, finished, 9, from_input=False)
    assert (mark.name, mark.kept) == ("000000000007", True)
    assert mark.codec.startswith("org.countermark.tile.")
    assert {reading.mark_id for reading in CODEC.read(finished).readings} == {7, 9}


def test_a_mark_that_was_lost_is_told_as_lost() -> None:
    draft = CODEC.embed(landscape(3, 256, 256), 7)
    elsewhere = CODEC.embed(landscape(4, 256, 256), 9)
    (mark,) = earlier_marks(CODEC, draft, elsewhere, 9, from_input=False)
    assert not mark.kept
    assert "no longer" in mark.warning
    assert "can still" in EarlierMark("x", "y", kept=True).warning


def test_stock_marks_of_other_generators_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    draft, finished = landscape(3, 256, 256), CODEC.embed(landscape(3, 256, 256), 9)
    answers = {draft.tobytes(): [ForeignReading("a stock mark", "01", 0.9, synthetic=True)]}

    class Stock:
        name = "invisible-watermark"

        def read(self, rgb: np.ndarray) -> list[ForeignReading]:
            return answers.get(rgb.tobytes(), [])

    monkeypatch.setattr(module, "_STOCK", Stock())
    assert earlier_marks(CODEC, draft, finished, 9, from_input=False) == (
        EarlierMark("invisible-watermark", "a stock mark", kept=False),
    )


def test_the_gateway_warns_of_them_and_records_them(build: Build, installation: Installation) -> None:
    draft = installation.codec.embed(landscape(3, 256, 256), 7)
    released = build(backend=Misbehaving(lambda job: draft)).release(ORDER)
    (warning,) = [each for each in summarize(released).warnings if each.startswith("marked_before")]
    assert "000000000007" in warning
    (decision,) = installation.ledger.decided(released.admitted.content_id)
    (recorded,) = json.loads(decision.body)["earlier_marks"]
    assert recorded == {"codec": Codec.ALGORITHM, "name": "000000000007", "kept": True}
    report = installation.examiner.examine(released.data)
    assert report.verdict == "issued_here"
    assert {mark.mark_id for mark in report.marked} >= {"000000000007", f"{released.admitted.mark_id:012x}"}
