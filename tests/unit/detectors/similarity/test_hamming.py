import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors import Hashes, distance

HASH = st.binary(min_size=32, max_size=32)


def naive(known: list[bytes], wanted: bytes, limit: int) -> list[tuple[int, float]]:
    return [(i, distance(hash_, wanted)) for i, hash_ in enumerate(known) if distance(hash_, wanted) <= limit]


def matches(known: list[bytes], wanted: bytes, limit: int) -> list[tuple[int, float]]:
    numbers, distances = Hashes(rows(known)).matches(wanted, limit)
    return list(zip(numbers.tolist(), distances.tolist(), strict=True))


def rows(known: list[bytes]) -> np.ndarray:
    return np.frombuffer(b"".join(known), np.uint8).reshape(-1, 32)


def near(hash_: bytes, bits: list[int]) -> bytes:
    value = int.from_bytes(hash_, "big")
    for bit in bits:
        value ^= 1 << bit
    return value.to_bytes(32, "big")


@settings(max_examples=200, deadline=None)
@given(st.lists(HASH, max_size=20), HASH, st.lists(st.integers(0, 255), max_size=40), st.integers(0, 256))
def test_as_a_naive_loop(known: list[bytes], wanted: bytes, bits: list[int], limit: int) -> None:
    known = [*known, near(wanted, bits)]
    assert matches(known, wanted, limit) == naive(known, wanted, limit)


def test_the_limit_is_inclusive() -> None:
    known = [near(bytes(32), list(range(31))), near(bytes(32), list(range(224, 256)))]
    assert matches(known, bytes(32), 31) == [(0, 31)]
    assert matches(known, bytes(32), 30) == []


def test_across_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    from detectors.similarity import hamming

    monkeypatch.setattr(hamming, "_CHUNK", 3)
    known = [near(bytes(32), list(range(n))) for n in (9, 8, 7, 6, 5, 5, 4, 30, 2, 2)]
    found = matches(known, bytes(32), 31)
    assert found == naive(known, bytes(32), 31)
    assert min(found, key=lambda match: match[1]) == (8, 2)  # the first of equals


def test_nothing_is_near_nothing() -> None:
    assert matches([], bytes(32), 256) == []


def test_a_set_of_hashes_keeps_its_own_copy() -> None:
    given_rows = rows([bytes(32), bytes(range(32))]).copy()
    hashes = Hashes(given_rows)
    given_rows[:] = 7
    assert hashes.rows.tolist() == rows([bytes(32), bytes(range(32))]).tolist()
    assert len(hashes) == 2
    assert len(Hashes(rows([]))) == 0


@pytest.mark.parametrize("wrong", [np.zeros((2, 31), np.uint8), np.zeros((2, 32), np.int8), np.zeros(32, np.uint8)])
def test_what_is_no_set_of_hashes_is_refused(wrong: np.ndarray) -> None:
    with pytest.raises(ValueError, match="N x 32"):
        Hashes(wrong)
