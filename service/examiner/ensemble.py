"""Classifiers that an operator adds: shown from the start, counted once `benchmark --thresholds` has measured them.

A logistic regression turns each score into log-odds (Platt 1999); the probability is the mean of all log-odds. Scores
are rounded first, as they are shown, so that the benchmark that measures votes computes exactly the same.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict

from service.examiner.inference import DetectorFinding
from service.examiner.metrics import Scores
from service.kit.errors import Misconfigured

DIGITS = 4
_EDGE = 10.0**-DIGITS
_ROUNDS, _RIDGE, _STEEPEST = 50, 1e-3, 20.0


class Vote(BaseModel):
    """A classifier's log-odds are `weight` times the log-odds of its score, plus `bias`."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    weight: float
    bias: float


def pooled(p: float, findings: Sequence[DetectorFinding], votes: Mapping[str, Vote]) -> float:
    """The probability (0..1) by our classifiers and every finding whose model has a vote.

    Raises:
        Misconfigured: a model that has a vote gave no finding.
    """
    scores = {finding.digest: finding.score for finding in findings}
    if absent := sorted(set(votes) - set(scores)):
        raise Misconfigured(
            f"the threshold file needs a model that is not here (digest {absent[0][:16]})",
            hint="Put it back, or run `countermark benchmark` again with --thresholds.",
        )
    each = [_logit(p), *(vote.weight * _logit(scores[digest]) + vote.bias for digest, vote in votes.items())]
    return _probability(float(np.mean(each)))


def shifted(edge: float, p: float, to: float) -> float:
    """An interval's edge, moved in log-odds as far as `p` moved `to`; it stays on the same side of it."""
    if p == to:
        return edge
    moved = _probability(_logit(edge) + _logit(to) - _logit(p))
    return min(moved, to) if edge <= p else max(moved, to)


def fit(real: Scores, fake: Scores) -> Vote:
    """The vote of a classifier with these scores (float64, N, 0..1); both classes have equal weight.

    Newton's method on the logistic loss with a slight pull towards 0: classes that do not overlap get a finite vote.
    """
    x = np.array([_logit(score) for score in np.concatenate([real, fake])])
    labels = np.r_[np.zeros(len(real)), np.ones(len(fake))]
    weights = np.where(labels == 0, 0.5 / len(real), 0.5 / len(fake))
    design = np.stack([x, np.ones_like(x)], axis=1)
    found = np.zeros(2)
    for _ in range(_ROUNDS):
        p = 1 / (1 + np.exp(-np.clip(design @ found, -30, 30)))
        gradient = design.T @ (weights * (p - labels)) + _RIDGE * found
        hessian = (design * (weights * p * (1 - p))[:, None]).T @ design + _RIDGE * np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        found = np.clip(found - step * min(1.0, 2.0 / (1e-12 + float(np.abs(step).max()))), -_STEEPEST, _STEEPEST)
    return Vote(weight=round(float(found[0]), 6), bias=round(float(found[1]), 6))


def _logit(p: float) -> float:
    p = min(1 - _EDGE, max(_EDGE, round(p, DIGITS)))
    return float(np.log(p / (1 - p)))


def _probability(logit: float) -> float:
    return float(1 / (1 + np.exp(-np.clip(logit, -30, 30))))
