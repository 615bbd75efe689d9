"""What a sieve must never do is leave out a vector that is near; `test_search.py` compares the whole search."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.faces import distances
from detectors.faces.sieve import Query, Sieve


@given(st.integers(0, 1 << 20), st.sampled_from([1e-15, 1e-3, 1.0, 1e6]), st.integers(1, 130), st.floats(0, 1))
@settings(max_examples=40, deadline=None)
def test_every_vector_within_the_limit_is_a_candidate(seed: int, scale: float, width: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    rows = (scale * rng.normal(size=(30, width))).astype(np.float32)
    asked = (rows[3] + scale * share * rng.normal(size=width)).astype(np.float32)
    exact = distances(rows, asked)
    limit = float(np.quantile(exact, share))  # often exactly the distance of one of them
    assert set(np.flatnonzero(exact <= limit)) <= set(Sieve(rows).candidates(Query.of(asked), limit).tolist())


def test_zeros_are_found_and_are_no_division_by_zero() -> None:
    rows = np.zeros((3, 4), np.float32)
    assert Sieve(rows).candidates(Query.of(np.zeros(4, np.float32)), 0.0).tolist() == [0, 1, 2]
    assert Sieve(rows).candidates(Query.of(np.ones(4, np.float32)), 1.9).tolist() == []
    assert Sieve(np.ones((2, 4), np.float32)).candidates(Query.of(np.zeros(4, np.float32)), 2.0).tolist() == [0, 1]


def test_a_query_far_larger_than_the_vectors_is_no_overflow() -> None:
    rows = np.full((2, 3), 1e-12, np.float32)
    assert Sieve(rows).candidates(Query.of(np.full(3, 1e12, np.float32)), 1.0).tolist() == []


@pytest.mark.parametrize(("dimensions", "taken"), [(0, False), (1, True), (128, True), (1 << 20, False)])
def test_vectors_whose_products_fit_are_taken(dimensions: int, taken: bool) -> None:
    assert Sieve.takes(dimensions) is taken
