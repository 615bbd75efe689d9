import dataclasses

import numpy as np
import pytest

from service.gateway.pipeline import Gateway
from service.gateway.stages import Released
from service.gateway.stages.types import Review
from tests.support.gateway import ORDER


@pytest.fixture
def released(gateway: Gateway) -> Released:
    return gateway.release(ORDER)


def test_a_released_image_leads_back_through_every_stage(released: Released) -> None:
    signed = released.proven.signed
    cleared = signed.marked.cleared
    assert (released.data, released.mime) == (signed.data, signed.mime)
    assert released.admitted is cleared.draft.admitted
    assert released.findings is cleared.findings
    assert (released.steering, released.energy) == (cleared.draft.steering, cleared.draft.energy) == (0, None)
    assert signed.manifest
    assert signed.data != signed.marked.imprint.data  # it is signed only afterwards


def test_nothing_of_a_stage_can_be_changed(released: Released) -> None:
    stage: object = released
    for step in ("proven", "signed", "marked", "cleared", "draft", "admitted"):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(stage, step, None)
        stage = getattr(stage, step)
    for pixels in (
        released.proven.signed.marked.cleared.draft.rgb,
        released.proven.signed.marked.imprint.rgb,
    ):
        assert pixels.dtype == np.uint8
        with pytest.raises(ValueError, match="read-only"):
            pixels[0, 0] = 0


def test_reviews_are_equal_by_what_they_say() -> None:
    review = Review(frozenset({"S-1"}), ("a" * 64,))
    assert review == Review(frozenset({"S-1"}), ("a" * 64,))
    assert review != Review(frozenset({"S-2"}), ("a" * 64,))
