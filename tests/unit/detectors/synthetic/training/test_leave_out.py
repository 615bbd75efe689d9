import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.synthetic.training.leave_out import CLIP, Scaling, halves, kernel_of, solve

ROWS, GROUPS, PENALTY = 40, 6, 2.0
RNG = np.random.default_rng(0)
X = RNG.normal(size=(ROWS, 7)).astype(np.float32)
Y = RNG.normal(size=(ROWS, 2))
W = RNG.uniform(0.2, 3, ROWS)
G: NDArray[np.int64] = RNG.integers(0, GROUPS, ROWS)
DESIGN = np.c_[X / np.sqrt(X.shape[1]), np.ones(ROWS)]


def refitted(chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The predictions for every row by ridge regression on the chosen ones, by its normal equations."""
    a, w = DESIGN[chosen], W[chosen, None]
    return np.asarray(DESIGN @ np.linalg.solve(a.T @ (w * a) + PENALTY * np.eye(a.shape[1]), a.T @ (w * Y[chosen])))


def test_what_is_left_out_is_what_a_refit_gives() -> None:
    solved = solve(kernel_of(X), Y, W, G, PENALTY)
    for group in range(GROUPS):
        own = np.equal(G, group)
        np.testing.assert_allclose(solved.left_out[own], refitted(~own)[own], atol=1e-5)


def test_the_map_is_the_fit_on_every_row() -> None:
    np.testing.assert_allclose(
        solve(kernel_of(X), Y, W, G, PENALTY).ridge(X)(X), refitted(np.ones(ROWS, bool)), atol=1e-5
    )


def test_kernels_of_parts_add_up() -> None:
    both = (3 * kernel_of(X[:, :3]) + 4 * kernel_of(X[:, 3:])) / 7
    np.testing.assert_allclose(both, kernel_of(X), atol=1e-6)


def test_a_singular_system_is_refused() -> None:
    with pytest.raises(ValueError, match="singular"):
        solve(kernel_of(X), Y, W, G, -1e3)


def test_scaling_clips() -> None:
    rows = np.array([[0.0], [2.0]])
    assert Scaling.of(rows)(np.array([[1.0], [2.0], [100.0]]))[:, 0] == pytest.approx([0, 1, CLIP], abs=1e-4)


def test_halves_are_of_whole_groups_and_both_ways() -> None:
    group = np.repeat(np.array([f"g{number}" for number in range(9)]), 3)
    found = list(halves(group, range(4)))
    assert len(found) == 8
    for fitted, judged in found:
        assert not (fitted & judged).any()
        assert (fitted | judged).all()
        assert not set(group[fitted]) & set(group[judged])
        assert 4 <= len(set(group[fitted])) <= 5
    assert all((one[0] == other[1]).all() for one, other in zip(found[::2], found[1::2], strict=True))
    assert any((found[0][0] != other[0]).any() for other in found[2::2])
