import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.examiner.ensemble import Vote, fit, pooled, shifted
from service.examiner.inference import DetectorFinding
from service.kit.errors import Misconfigured

P = st.floats(0, 1)


def finding(score: float, digest: str = "d") -> DetectorFinding:
    return DetectorFinding(detector="x", score=score, model="x@1", digest=digest)


def test_votes_pull_the_probability_their_way() -> None:
    votes = {"d": Vote(weight=1, bias=0)}
    assert pooled(0.5, [finding(0.9)], votes) == pytest.approx(0.75)
    assert pooled(0.9, [finding(0.9)], votes) == pytest.approx(0.9)
    assert pooled(0.5, [finding(0.9), finding(0.0, "not counted")], votes) == pytest.approx(0.75)


def test_a_vote_that_was_not_heard_is_refused() -> None:
    with pytest.raises(Misconfigured, match="not here"):
        pooled(0.5, [finding(0.9, "other")], {"d": Vote(weight=1, bias=0)})


@given(P, P, P)
def test_probabilities_stay_probabilities(p: float, score: float, edge: float) -> None:
    to = pooled(p, [finding(score)], {"d": Vote(weight=3, bias=-1)})
    assert 0 <= to <= 1
    assert 0 <= shifted(edge, p, to) <= 1


def test_a_fitted_vote_is_calibrated() -> None:
    rng = np.random.default_rng(0)
    real, fake = (1 / (1 + np.exp(-rng.normal(mean, 1, 4000))) for mean in (-0.5, 0.5))
    vote = fit(real, fake)
    assert vote.weight == pytest.approx(1, abs=0.1)  # the log-likelihood ratio of these two is the logit itself
    assert vote.bias == pytest.approx(0, abs=0.1)


def test_a_score_that_tells_nothing_counts_for_nothing() -> None:
    vote = fit(np.full(100, 0.7), np.full(100, 0.7))
    assert pooled(0.5, [finding(0.7)], {"d": vote}) == pytest.approx(0.5, abs=0.01)


def test_classes_that_do_not_overlap_have_a_finite_vote() -> None:
    vote = fit(np.full(100, 0.01), np.full(100, 0.99))
    assert 0 < vote.weight < 20
    assert pooled(0.5, [finding(0.99)], {"d": vote}) > 0.8


def test_a_score_that_points_the_other_way_is_turned_round() -> None:
    assert fit(np.full(100, 0.9), np.full(100, 0.2)).weight < 0
