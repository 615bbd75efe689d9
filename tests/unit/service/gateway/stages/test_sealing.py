"""Nothing but a stage of the gateway can make the type of that stage."""

import copy
import dataclasses
import pickle

import numpy as np
import pytest
from pydantic import ValidationError

from service.gateway.order import Order
from service.gateway.pipeline import Gateway
from service.gateway.stages import (
    Admitted,
    Cleared,
    Draft,
    Marked,
    Proven,
    Released,
    Signed,
    claim_constructor,
    require_sealed,
    types,
)
from service.gateway.stages.sealing import SealedType

SEALED = [Admitted, Draft, Cleared, Marked, Signed, Proven, Released]


@pytest.mark.parametrize("stage", SEALED)
class TestSealed:
    def test_it_cannot_be_called(self, stage: type) -> None:
        with pytest.raises(TypeError, match="own stage"):
            stage(*[None] * len(dataclasses.fields(stage)))

    def test_it_cannot_be_subclassed(self, stage: type) -> None:
        with pytest.raises(TypeError, match="extended"):
            type("Own", (stage,), {})

    def test_its_constructor_is_claimed(self, stage: type) -> None:
        with pytest.raises(TypeError, match="already"):
            claim_constructor(stage)

    def test_one_made_by_a_trick_is_not_genuine(self, stage: type) -> None:
        blank: object = object.__new__(stage)
        called = type.__call__(stage, *[None] * len(dataclasses.fields(stage)))
        for forged in (blank, called, None, object()):
            with pytest.raises(TypeError, match="not a"):
                require_sealed(forged, stage)


@pytest.fixture
def released(gateway: Gateway) -> Released:
    return gateway.release(Order(prompt="a lake", seed=1))


def test_a_genuine_one_is_frozen(released: Released) -> None:
    assert require_sealed(released, Released) is released
    with pytest.raises(dataclasses.FrozenInstanceError):
        released.sha256 = "other"  # type: ignore[misc]
    assert not hasattr(released, "__dict__")


def test_a_genuine_one_cannot_be_copied(released: Released) -> None:
    for attempt in (copy.copy, copy.deepcopy, pickle.dumps, dataclasses.replace):
        with pytest.raises(TypeError):
            attempt(released)


def test_the_screened_pixels_cannot_be_swapped(released: Released) -> None:
    marked = released.proven.signed.marked
    for pixels in (marked.cleared.draft.rgb, marked.imprint.rgb):
        with pytest.raises(ValueError, match="read-only"):
            pixels[:] = 0
        with pytest.raises(ValueError, match="WRITEABLE"):
            pixels.flags.writeable = True


def test_only_sealed_types_have_a_constructor_to_claim() -> None:
    with pytest.raises(TypeError, match="not a sealed type"):
        claim_constructor(dict)


def test_every_stage_is_tested() -> None:
    sealed = {value for value in vars(types).values() if type(value) is type(SealedType)} - {SealedType}
    assert sealed == set(SEALED)


def test_an_order_that_skipped_validation_is_refused(gateway: Gateway) -> None:
    for forged in (
        Order.model_construct(prompt="a lake", seed=1, steps=-5),
        Order.model_construct(prompt=None),  # type: ignore[arg-type]  # forged
    ):
        with pytest.raises(ValidationError):
            gateway.release(forged)
    own = type("Own", (Order,), {})
    with pytest.raises(TypeError, match="takes an Order"):
        gateway.release(own(prompt="a lake"))


def test_pixels_of_a_draft_are_a_copy(gateway: Gateway, released: Released) -> None:
    draft = released.proven.signed.marked.cleared.draft
    assert draft.rgb.base is not None
    assert isinstance(np.asarray(draft.rgb).base, (bytes, np.ndarray))
