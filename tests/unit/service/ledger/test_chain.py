"""The links of the chain."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.ledger.chain import GENESIS, canonical, is_sound, link
from tests.support.issued import DAY


@given(st.lists(st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=9)), min_size=2, max_size=6))
def test_links_hold_and_break(contents: list[dict[str, object]]) -> None:
    chain = []
    last = None
    for content in contents:
        last = link(last, at=DAY, kind="refused", subject="s", content=content)
        chain.append(last)
    assert chain[0].previous == GENESIS
    for before, after in itertools.pairwise(chain):
        assert after.previous == before.hash
        assert is_sound(after)


def test_canonical_has_one_spelling() -> None:
    assert canonical({"b": 1, "a": "é"}) == '{"a":"\\u00e9","b":1}'
    with pytest.raises(ValueError, match="JSON"):
        canonical({"a": float("nan")})
