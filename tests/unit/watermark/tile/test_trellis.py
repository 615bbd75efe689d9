"""The convolutional code: its generators, and what its decoder puts right."""

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from watermark.tile.trellis import GENERATORS, coded_length, decode, encode

MESSAGES = st.lists(st.integers(0, 1), min_size=1, max_size=100).map(lambda bits: np.array(bits, np.uint8))


def test_one_bit_draws_out_the_generators() -> None:
    outputs = encode(np.array([1], np.uint8)).reshape(9, 4)
    drawn = [int("".join("1" if symbol < 0 else "0" for symbol in column), 2) for column in outputs.T]
    assert drawn == [0o463, 0o535, 0o733, 0o745] == list(GENERATORS)


def test_known_answer() -> None:
    word = encode(np.array([1, 0, 1, 1], np.uint8))
    assert "".join("1" if symbol < 0 else "0" for symbol in word) == "111100111000010110101000001000101100111101011111"


def test_the_lightest_word_is_as_heavy_as_the_free_distance_promises() -> None:
    weights = [int((encode(as_bits(number)) < 0).sum()) for number in range(1, 4096)]
    assert min(weights) == 24


def as_bits(number: int) -> np.ndarray:
    return np.array([int(digit) for digit in f"{number:012b}"], np.uint8)


@given(MESSAGES, st.floats(1e-6, 1e6))
def test_a_clean_word_decodes_at_any_scale(message: np.ndarray, scale: float) -> None:
    word = encode(message)
    assert word.shape == (coded_length(len(message)),)
    assert decode(word * np.float32(scale)).tolist() == message.tolist()


@given(MESSAGES, st.randoms(use_true_random=False))
def test_any_eleven_wrong_symbols_are_put_right(message: np.ndarray, chance: Random) -> None:
    word = encode(message)
    word[chance.sample(range(len(word)), 11)] *= -1
    assert decode(word).tolist() == message.tolist()


@pytest.mark.parametrize("seed", range(5))
def test_noise_as_strong_as_the_signal_is_put_right(seed: int) -> None:
    chance = np.random.default_rng(seed)
    message = chance.integers(0, 2, 84).astype(np.uint8)
    word = encode(message)
    assert decode(word + chance.normal(0, 0.9, word.shape).astype(np.float32)).tolist() == message.tolist()
