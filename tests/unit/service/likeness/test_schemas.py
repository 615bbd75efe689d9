import base64

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from detectors import DIMENSIONS
from service.kit.case_numbers import new_case_number
from service.likeness.schemas import SCOPES, GrantNumber, as_text, from_text, stacked


@given(st.integers(0, 2**32 - 1))
def test_an_embedding_survives_as_text(seed: int) -> None:
    embedding = np.random.default_rng(seed).normal(size=DIMENSIONS).astype(np.float32)
    found = from_text(as_text(embedding))
    assert found.dtype == np.float32
    assert np.array_equal(found, embedding)


def test_text_is_little_endian_float32() -> None:
    raw = base64.b64decode(as_text(np.ones(DIMENSIONS, np.float32)))
    assert raw == b"\x00\x00\x80\x3f" * DIMENSIONS


@pytest.mark.parametrize(
    "text",
    [
        "",
        "?",
        "AAAA",
        as_text(np.zeros(DIMENSIONS - 1, np.float32)),
        as_text(np.full(DIMENSIONS, np.nan, np.float32)),
        as_text(np.full(DIMENSIONS, np.inf, np.float32)),
    ],
)
def test_any_other_text_is_not_an_embedding(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        from_text(text)


def test_embeddings_are_stacked_by_row() -> None:
    rows = [np.full(DIMENSIONS, value, np.float32) for value in (1, 2)]
    assert np.array_equal(stacked(rows)[:, 0], [1, 2])
    assert stacked([]).shape == (0, DIMENSIONS)


@pytest.mark.parametrize(
    "number", ["", "G-0000-0000-0000", "S-0000-0000-0000-0000", "G-0000-0000-0000-000U", "G-0000-0000-0000-0000\n"]
)
def test_a_grant_has_no_other_number(number: str) -> None:
    grants = TypeAdapter[str](GrantNumber)
    assert grants.validate_python(new_case_number("G")).startswith("G-")
    with pytest.raises(ValidationError):
        grants.validate_python(number)


def test_scopes_are_distinct() -> None:
    assert len(set(SCOPES)) == len(SCOPES) > 1
