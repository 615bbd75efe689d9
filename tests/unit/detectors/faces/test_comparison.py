import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from detectors.faces import compare, distances
from models import ModelFault

numbers = arrays(np.float32, 128, elements=st.floats(-2, 2, width=32))


@given(numbers, numbers, numbers)
@settings(deadline=None)
def test_it_is_a_distance(a: NDArray[np.float32], b: NDArray[np.float32], c: NDArray[np.float32]) -> None:
    assert compare(a, a) == 0
    assert compare(a, b) == compare(b, a) >= 0
    assert compare(a, c) <= compare(a, b) + compare(b, c) + 1e-9


def test_it_is_euclidean() -> None:
    a, b = np.zeros(128, np.float32), np.zeros(128, np.float32)
    b[:2] = 3, 4
    assert compare(a, b) == 5


def test_rows_are_chosen() -> None:
    rows = np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32)
    whole = distances(rows, rows[3])
    assert np.array_equal(distances(rows, rows[3], [7, 2]), whole[[7, 2]])
    assert len(distances(rows, rows[3], [])) == 0


@pytest.mark.parametrize(
    "bad",
    [
        np.full(128, np.nan, np.float32),
        np.full(128, np.inf, np.float32),
        np.zeros(127, np.float32),
        np.zeros(128, np.float64),
        np.zeros((1, 128), np.float32),
        np.zeros(0, np.float32),
    ],
)
def test_what_is_no_embedding_is_not_compared(bad: NDArray[np.float32]) -> None:
    good = np.zeros(128, np.float32)
    for pair in ((good, bad), (bad, good)):
        with pytest.raises(ModelFault):
            compare(*pair)
