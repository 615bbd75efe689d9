import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from hypothesis.strategies import DrawFn
from numpy.typing import NDArray

from detectors.faces import FaceMatch, Templates, compare, distances, search
from models import ModelFault

Case = tuple[NDArray[np.float32], NDArray[np.float32], float]


def brute_within(rows: NDArray[np.float32], asked: NDArray[np.float32], limit: float) -> list[FaceMatch]:
    found = [(float(d), i) for i, d in enumerate(distances(rows, asked)) if d <= limit]
    return [FaceMatch(i, d) for d, i in sorted(found)]


@st.composite
def sets(draw: DrawFn) -> Case:
    """Templates, a query that is often one of them or near it, and a limit that is often exactly a distance."""
    dimensions = draw(st.integers(1, 6))
    scale = draw(st.sampled_from([1e-20, 1e-3, 1.0, 1e3]))
    values = st.floats(-1, 1, width=32)
    rows = draw(arrays(np.float32, (draw(st.integers(1, 40)), dimensions), elements=values)) * np.float32(scale)
    asked = draw(arrays(np.float32, dimensions, elements=values)) * np.float32(scale)
    if draw(st.booleans()):
        asked = np.nextafter(rows[draw(st.integers(0, len(rows) - 1))], np.float32(1))
    exact = distances(rows, asked)
    limit = draw(st.one_of(st.sampled_from(list(map(float, exact))), st.floats(0, 3).map(lambda x: x * scale)))
    return rows, asked, limit


@given(sets(), st.integers(1, 50))
@settings(max_examples=200, deadline=None)
def test_it_is_brute_force_to_the_bit(case: Case, count: int) -> None:
    rows, asked, limit = case
    templates = Templates(rows)
    assert templates.within(asked, limit) == brute_within(rows, asked, limit)
    assert templates.nearest(asked, count) == brute_within(rows, asked, np.inf)[:count]


@given(sets(), st.sampled_from([9, 16384]))
@settings(max_examples=60, deadline=None)
def test_the_sieve_leaves_out_nothing_that_brute_force_finds(case: Case, part: int) -> None:
    rows, asked, limit = case
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search, "_LEAST_SIEVED", 1)
        patch.setattr(search, "_ROWS", part)
        templates = Templates(rows)
    assert templates._sieves
    assert templates.within(asked, limit) == brute_within(rows, asked, limit)


def test_the_sieve_leaves_few_of_many() -> None:
    """Otherwise it would be exact and useless."""
    rng = np.random.default_rng(3)
    rows = rng.normal(size=(5000, 128)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    near = rows[7] + rng.normal(0, 0.05, 128).astype(np.float32)
    (candidates,) = Templates(rows)._candidates(near, 0.9)
    assert 7 in candidates
    assert len(candidates) < 10
    assert Templates(rows).within(near, 0.9) == brute_within(rows, near, 0.9)


@pytest.mark.parametrize("sieved", [1, 4096])
def test_across_the_borders_of_its_parts(monkeypatch: pytest.MonkeyPatch, sieved: int) -> None:
    monkeypatch.setattr(search, "_ROWS", 7)
    monkeypatch.setattr(search, "_LEAST_SIEVED", sieved)
    rng = np.random.default_rng(5)
    rows = rng.normal(size=(100, 128)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    templates = Templates(rows)
    for asked in (rows[0], rows[6], rows[7], rows[99], rows[50] + rng.normal(0, 0.02, 128).astype(np.float32)):
        for limit in (0.0, 0.4, 1.4, 2.0):
            assert templates.within(asked, limit) == brute_within(rows, asked, limit)
        assert templates.nearest(asked, 3) == brute_within(rows, asked, 9)[:3]


def test_a_match_says_what_compare_says() -> None:
    rows = np.random.default_rng(1).normal(size=(50, 128)).astype(np.float32)
    for match in Templates(rows).within(rows[4], 15.0):
        assert match.distance == compare(rows[match.index], rows[4])


def test_equal_templates_are_all_found() -> None:
    rows = np.ones((30, 128), np.float32)
    templates = Templates(rows)
    assert [m.index for m in templates.within(rows[0], 0.0)] == list(range(30))
    assert [m.index for m in templates.nearest(rows[0], 2)] == [0, 1]


def test_it_keeps_its_own_copy() -> None:
    rows = np.ones((3, 128), np.float32)
    templates = Templates(rows)
    rows[:] = 0
    assert templates.within(np.ones(128, np.float32), 0.0)


def test_nobody_is_protected_yet() -> None:
    templates = Templates(np.empty((0, 128), np.float32))
    assert len(templates) == 0
    assert templates.within(np.zeros(128, np.float32), 1.0) == []
    assert templates.nearest(np.zeros(128, np.float32)) == []


@pytest.mark.parametrize(
    "rows",
    [
        np.full((2, 128), np.nan, np.float32),
        np.full((2, 128), np.inf, np.float32),
        np.full((2, 128), 1e30, np.float32),
        np.zeros((2, 128), np.float64),
        np.zeros(128, np.float32),
        np.zeros((2, 0), np.float32),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow")
def test_what_is_no_set_of_templates_is_refused(rows: NDArray[np.float32]) -> None:
    with pytest.raises(ModelFault):
        Templates(rows)


@pytest.mark.parametrize("limit", [float("nan"), float("inf"), -0.1])
def test_a_limit_that_would_hide_or_match_all_is_refused(limit: float) -> None:
    with pytest.raises(ModelFault, match="limit"):
        Templates(np.zeros((2, 128), np.float32)).within(np.zeros(128, np.float32), limit)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e30])
def test_a_query_that_is_no_embedding_is_refused(value: float) -> None:
    templates = Templates(np.zeros((2, 128), np.float32))
    for ask in (lambda q: templates.within(q, 1.0), templates.nearest):
        with pytest.raises(ModelFault):
            ask(np.full(128, value, np.float32))
    with pytest.raises(ModelFault):
        templates.nearest(np.zeros(64, np.float32))
