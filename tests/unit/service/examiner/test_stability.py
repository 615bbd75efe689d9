import numpy as np
import pytest

from service.examiner.stability import band_of, distribution, share_of_synthetic, stability_index

LOW, HIGH = np.array([[60.0, 25, 10, 5]]), np.array([[5.0, 10, 25, 60]])
REAL, SYNTHETIC = distribution(LOW * 1e6), distribution(HIGH * 1e6)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_the_share_of_synthetic_images_is_found(share: float) -> None:
    observed = 1000 * (share * SYNTHETIC + (1 - share) * REAL)
    assert share_of_synthetic(observed, REAL, SYNTHETIC) == pytest.approx(share, abs=0.01)


def test_each_kind_has_its_own_distributions() -> None:
    """What is usual for a real image of one kind is usual for a synthetic one of another."""
    observed = 1000 * np.concatenate([REAL, SYNTHETIC])
    real, synthetic = np.concatenate([REAL, SYNTHETIC]), np.concatenate([SYNTHETIC, REAL])
    assert share_of_synthetic(observed, real, synthetic) == pytest.approx(0, abs=0.01)


def test_the_same_distribution_does_not_move() -> None:
    assert stability_index(10 * LOW[0], 1000 * LOW[0]) == pytest.approx(0, abs=1e-3)


def test_the_index_is_that_of_the_literature() -> None:
    """Two bins, 50 : 50 against 70 : 30: (.5 - .7) ln(.5 / .7) + (.5 - .3) ln(.5 / .3) = .1695."""
    assert stability_index(np.array([5e5, 5e5]), np.array([7e5, 3e5])) == pytest.approx(0.1695, abs=1e-4)


def test_the_index_grows_with_the_distance_and_is_finite() -> None:
    near, far = (stability_index(1000 * (share * HIGH[0] + (1 - share) * LOW[0]), LOW[0]) for share in (0.1, 0.8))
    assert 0 < near < far < stability_index(np.array([0.0, 0, 0, 1000]), LOW[0]) < np.inf


def test_bins_with_few_expected_images_are_merged() -> None:
    """One image where one in a hundred thousand was expected is no drift."""
    expected = np.array([5e4, 5e4, 1, 1, 1, 1])
    assert stability_index(np.array([500.0, 500, 0, 0, 1, 0]), expected) < 0.001


@pytest.mark.parametrize(("index", "band"), [(0.0, "stable"), (0.1, "moderate"), (0.2, "moderate"), (0.25, "major")])
def test_bands(index: float, band: str) -> None:
    assert band_of(index) == band
