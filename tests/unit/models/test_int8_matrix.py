import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from models import ModelFault
from models.int8_matrix import VECTOR_LIMIT, Int8Matrix

Case = tuple[NDArray[np.int8], NDArray[np.int8]]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A matrix and a vector, often of the largest values there are."""
    count, width = draw(st.integers(1, 9)), draw(st.integers(1, 130))
    rows = arrays(np.int8, (count, width), elements=st.sampled_from([-127, -126, -1, 0, 1, 127]))
    vector = arrays(np.int8, width, elements=st.sampled_from([-VECTOR_LIMIT, -1, 0, 2, VECTOR_LIMIT]))
    return draw(rows), draw(vector)


@given(cases())
@settings(max_examples=30, deadline=None)
def test_products_are_exact(case: Case) -> None:
    rows, vector = case
    assert Int8Matrix(rows).products(vector).tolist() == (rows.astype(np.int64) @ vector.astype(np.int64)).tolist()


@pytest.mark.parametrize("sign", [-1, 1])
def test_the_largest_products_do_not_overflow(sign: int) -> None:
    rows, vector = np.full((64, 512), 127, np.int8), np.full(512, sign * VECTOR_LIMIT, np.int8)
    assert set(Int8Matrix(rows).products(vector).tolist()) == {sign * 512 * 127 * VECTOR_LIMIT}


def test_a_vector_of_another_length_is_a_fault() -> None:
    with pytest.raises(ModelFault):
        Int8Matrix(np.ones((2, 3), np.int8)).products(np.ones(4, np.int8))
