import datetime as dt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.gateway.held_draft import HeldDraft
from service.gateway.order import Order
from service.generation import Energy, ModelIdentity

MODEL = ModelIdentity("painter", "1", "0" * 64)
ADAPTERS = (("style", "a" * 64), ("word", "b" * 64))
NOON = dt.datetime(2026, 5, 1, 12, tzinfo=dt.UTC)


def kept(
    order: Order, shape: tuple[int, int, int] = (8, 16, 3), steering: int = 0, energy: Energy | None = None
) -> HeldDraft:
    rgb = np.random.default_rng(1).integers(0, 256, shape, np.uint8)
    return HeldDraft(order, MODEL, NOON, steering, energy, rgb, ADAPTERS)


@settings(max_examples=50, deadline=None)
@given(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=50),
    st.none() | st.binary(max_size=50),
    st.integers(1, 9),
    st.integers(1, 9),
    st.none() | st.builds(Energy, st.floats(0, 9), st.none() | st.floats(0, 9), st.sampled_from(["rapl", "model"])),
)
def test_it_comes_back_as_it_was(
    prompt: str, image: bytes | None, height: int, width: int, energy: Energy | None
) -> None:
    order = Order(prompt=prompt, seed=2**63 - 1, image=image, guidance=0.1, scope="style")
    one = kept(order, (height, width, 3), steering=2, energy=energy)
    back = HeldDraft.from_bytes(one.to_bytes())
    assert (back.order, back.model, back.generated_at, back.steering, back.energy) == (order, MODEL, NOON, 2, energy)
    assert back.rgb.dtype == np.uint8
    assert not back.rgb.flags.writeable
    assert np.array_equal(back.rgb, one.rgb)
    assert back.pixels == one.pixels
    assert back.adapters == ADAPTERS


def test_another_picture_or_shape_has_other_pixels() -> None:
    one = kept(Order(prompt="x"))
    changed = one.rgb.copy()
    changed[0, 0, 0] ^= 1
    turned = one.rgb.reshape(16, 8, 3)
    assert (
        len({one.pixels, *(HeldDraft(one.order, MODEL, NOON, 0, None, rgb).pixels for rgb in (changed, turned))}) == 3
    )


@pytest.mark.parametrize("data", [b"", b"\x00\x00\x00\x02{}", b"\xff" * 20, b"\x00\x00\x00\x04null"])
def test_what_is_none_raises(data: bytes) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        HeldDraft.from_bytes(data)


def test_a_picture_cut_short_raises() -> None:
    with pytest.raises(ValueError, match="reshape"):
        HeldDraft.from_bytes(kept(Order(prompt="x")).to_bytes()[:-1])
