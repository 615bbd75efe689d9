import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.examiner import metrics

SCORES = st.lists(st.integers(0, 20), min_size=1, max_size=40).map(lambda xs: np.array(xs) / 20)


@given(SCORES, SCORES)
def test_auroc_is_the_share_of_ordered_pairs(real: np.ndarray, fake: np.ndarray) -> None:
    pairs = [(f > r) + 0.5 * (f == r) for f in fake for r in real]
    assert metrics.auroc(real, fake) == pytest.approx(np.mean(pairs))


@given(SCORES, st.sampled_from([0.01, 0.05, 0.3]))
def test_a_threshold_keeps_its_rate(real: np.ndarray, rate: float) -> None:
    assert (real > metrics.threshold(real, rate)).mean() <= rate


@given(SCORES, SCORES)
def test_the_roc_goes_from_corner_to_corner_and_never_back(real: np.ndarray, fake: np.ndarray) -> None:
    points = np.array(metrics.roc(real, fake))
    assert points[0].tolist() == [0, 0]
    assert points[-1].tolist() == [1, 1]
    assert (np.diff(points, axis=0) >= 0).all()


def test_recall_of_known_scores() -> None:
    real = np.arange(100) / 100
    assert metrics.recall(real, np.array([0.95, 0.5]), 0.05) == 0.5
    assert metrics.recall(real, np.array([1.0, 1.0]), 0.01) == 1


def test_the_interval_holds_the_value() -> None:
    rng = np.random.default_rng(1)
    real, fake = rng.random(200), rng.random(200) ** 0.5
    low, high = metrics.auroc_interval(real, fake)
    assert low < metrics.auroc(real, fake) < high
    assert (low, high) == metrics.auroc_interval(real, fake)


def test_ties_are_not_sorted_by_class() -> None:
    """Half of the pictures at 0.5 are synthetic: that is calibrated, however they are binned."""
    assert metrics.calibration_error(np.full(300, 0.5), np.full(300, 0.5)) == pytest.approx(0)


@given(SCORES)
def test_a_histogram_loses_no_picture(scores: np.ndarray) -> None:
    assert sum(metrics.histogram(scores)) == pytest.approx(1)


def test_a_histogram_of_known_scores() -> None:
    assert metrics.histogram(np.array([0.0, 0.1, 0.6, 1.0]), bins=2) == [0.5, 0.5]


def test_calibrated_probabilities_have_little_error_and_certain_wrong_ones_all() -> None:
    rng = np.random.default_rng(2)
    p = rng.random(20_000)
    fake = rng.random(20_000) < p
    assert metrics.calibration_error(p[~fake], p[fake]) < 0.02
    assert metrics.calibration_error(np.ones(50), np.zeros(50)) > 0.95


def test_the_interval_of_a_rate() -> None:
    assert metrics.wilson(5, 758) == pytest.approx((0.0028, 0.0153), abs=1e-4)
    assert metrics.wilson(0, 100)[0] == 0
    assert metrics.wilson(100, 100)[1] == pytest.approx(1)
