import numpy as np
import pytest

from watermark.tile.reading import Presence, Reading, chance


def test_coverage_is_computed_when_it_is_first_read() -> None:
    calls = 0

    def compute() -> np.ndarray:
        nonlocal calls
        calls += 1
        return np.ones((2, 2), np.float32)

    reading = Reading(1, 0.9, 1, 0, 1.0, 0.0, False, 1.0, compute)
    assert calls == 0
    assert reading.coverage is reading.coverage
    assert calls == 1


@pytest.mark.parametrize("score", [1.0, 2.0, 3.0])
def test_chance_bounds_signed_sums_of_any_numbers(score: float) -> None:
    """Also of numbers that are far from normal: one large one, a few, and many."""
    rng = np.random.default_rng(3)
    signs = rng.choice([-1.0, 1.0], (20_000, 40))
    for values in (np.eye(40)[0], np.repeat([1.0, 0.0], [4, 36]), rng.exponential(1, 40) ** 3):
        sums = signs @ values / np.linalg.norm(values)
        assert np.mean(sums >= score) <= chance(score, 1) + 0.01


def test_more_trials_make_chance_likelier() -> None:
    assert chance(6.0, 1000) == pytest.approx(1000 * chance(6.0, 1))
    assert chance(2.0, 1e9) == chance(-1.0, 1) == chance(9.0, np.inf) == 1.0
    assert Presence.of(7.0, 10) == Presence(7.0, chance(7.0, 10))
