"""The payload carries version and id, and its keyed check lets nothing else through."""

import hashlib
import hmac

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from watermark.errors import BadMarkId, WatermarkError
from watermark.tile.payload import PAYLOAD_BITS, POSITIONED, REPEATED, seal, unseal

KEY = bytes(range(32))
IDS = st.integers(0, 2**48 - 1)


def as_bits(word: int) -> np.ndarray:
    return np.array([int(digit) for digit in f"{word:0{PAYLOAD_BITS}b}"], dtype=np.uint8)


def test_layout_is_version_id_check() -> None:
    check = hmac.new(KEY, bytes.fromhex("01123456789abc"), hashlib.sha256).hexdigest()[:8]
    assert seal(0x123456789ABC, KEY, REPEATED).tolist() == as_bits(int("1" + "123456789abc" + check, 16)).tolist()


def test_known_answer() -> None:
    assert f"{int(''.join(map(str, seal(1, KEY, REPEATED))), 2):021x}" == "10000000000013361ce96"


@given(IDS, st.sampled_from([REPEATED, POSITIONED]))
def test_what_was_sealed_unseals(mark_id: int, version: int) -> None:
    bits = seal(mark_id, KEY, version)
    assert bits.shape == (84,)
    assert bits.dtype == np.uint8
    assert unseal(bits, KEY, version) == mark_id
    assert unseal(bits, KEY, 3 - version) is None


@given(IDS, st.integers(0, PAYLOAD_BITS - 1))
def test_any_flipped_bit_is_noticed(mark_id: int, place: int) -> None:
    bits = seal(mark_id, KEY, POSITIONED)
    bits[place] ^= 1
    assert unseal(bits, KEY, POSITIONED) is None


def test_another_key_opens_nothing() -> None:
    assert unseal(seal(42, KEY, POSITIONED), KEY[::-1], POSITIONED) is None


@pytest.mark.parametrize("version", [0, 2, 15])
def test_another_version_is_not_ours_even_if_well_checked(version: int) -> None:
    claim = version << 48 | 42
    check = hmac.digest(KEY, claim.to_bytes(7), hashlib.sha256)[:4]
    assert unseal(as_bits(claim << 32 | int.from_bytes(check)), KEY, REPEATED) is None


@pytest.mark.parametrize("mark_id", [-1, 2**48, 1.0, "7", None, True])
def test_an_id_that_does_not_fit_is_refused(mark_id: object) -> None:
    with pytest.raises(BadMarkId, match="integer from 0 to 2"):
        seal(mark_id, KEY, POSITIONED)  # type: ignore[arg-type]
    assert issubclass(BadMarkId, WatermarkError)
    assert issubclass(WatermarkError, ValueError)
