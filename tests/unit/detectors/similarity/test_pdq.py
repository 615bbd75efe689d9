"""The hashes are those of ThreatExchange's C++ reference, which pdqhash 0.2.8 wrote into `pdq_reference.json`."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from detectors.similarity.pdq import Bits, pdq, pdq_dihedral
from tests.support.painter import landscape

REFERENCE = json.loads((Path(__file__).parent / "pdq_reference.json").read_text())


def unpacked(text: str) -> Bits:
    return np.unpackbits(np.frombuffer(bytes.fromhex(text), np.uint8)).astype(bool)


def name(one: dict[str, Any]) -> str:
    return f"{one['width']}x{one['height']}"


@pytest.mark.parametrize("one", REFERENCE, ids=name)
def test_all_eight_orientations_are_the_references(one: dict[str, Any]) -> None:
    image = landscape(one["seed"], one["height"], one["width"])
    hashes, quality = pdq_dihedral(image)
    assert quality == one["quality"]
    differing = [int((ours != unpacked(theirs)).sum()) for ours, theirs in zip(hashes, one["hashes"], strict=True)]
    assert max(differing) <= 2  # a value at the median falls to either side, as sums are rounded
    assert sum(differing) <= 4
    bits, alone = pdq(image)
    assert alone == quality
    assert (bits == hashes[0]).all()


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 255))
def test_about_half_of_the_bits_are_set_whatever_is_hashed(height: int, width: int, seed: int) -> None:
    image = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    bits, quality = pdq(image)
    if min(height, width) >= 5:
        assert 112 <= bits.sum() <= 128  # fewer only where values are equal
    else:
        assert not bits.any()
    assert 0 <= quality <= 100


@pytest.mark.parametrize("turn", [lambda rgb: rgb[:, ::-1], lambda rgb: rgb[::-1], lambda rgb: rgb.transpose(1, 0, 2)])
def test_any_strides_will_do(turn: Any) -> None:
    turned: NDArray[np.uint8] = turn(landscape(1, 80, 120))
    assert (pdq(turned)[0] == pdq(np.ascontiguousarray(turned))[0]).all()
