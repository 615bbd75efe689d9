"""Thresholds and intervals from held-out logits, for the detector's `calibration.json`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from detectors.synthetic.calibration import Scale

from .pack import Pack, sample_weights

FALSE_POSITIVE_RATES = (0.05, 0.01)
MISSED = 0.05
DRAWS = 200
KNOTS = np.linspace(-6, 6, 49)


def scale(pack: Pack, weight: float, bias: float, squash: float, logits: list[NDArray[np.float64]]) -> Scale:
    """The scale of a score, from its held-out `logits` (N,) in each condition."""
    both, fake = np.concatenate(logits), np.tile(pack.fake, len(logits))
    p = sigmoid(both)
    draws = _calibrations(pack, logits)
    return Scale(
        weight=round(weight, 6),
        bias=round(bias, 6),
        squash=squash,
        logits=tuple(float(knot) for knot in KNOTS),
        low=_rounded(np.quantile(draws, 0.05, axis=0)),
        high=_rounded(np.quantile(draws, 0.95, axis=0)),
        synthetic_above={str(rate): threshold(p[fake == 0], rate) for rate in FALSE_POSITIVE_RATES},
        camera_below=round(float(np.quantile(p[fake == 1], MISSED)), 6),
    )


def threshold(real: NDArray[np.float64], rate: float) -> float:
    """The probability that a share `rate` of real images exceeds."""
    return round(float(np.quantile(real, 1 - rate)), 6)


def sigmoid(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1 / (1 + np.exp(-logits))


def _calibrations(pack: Pack, logits: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Bootstrap (DRAWS, knots): the probability at each knot, calibrated on sources sampled with replacement."""
    rng = np.random.default_rng(6)
    by_label = [np.unique(pack.source[pack.fake == label]) for label in (0, 1)]
    rows = []
    for _ in range(DRAWS):
        sampled = np.concatenate([rng.choice(names, len(names)) for names in by_label])
        chosen = np.concatenate([np.flatnonzero(pack.source == name) for name in sampled])
        x = np.concatenate([table[chosen] for table in logits])[:, None]
        weights = np.tile(sample_weights(pack.fake[chosen], pack.source[chosen]), len(logits))
        model = LogisticRegression(C=100.0).fit(x, np.tile(pack.fake[chosen], len(logits)), weights)
        rows.append(model.predict_proba(KNOTS[:, None])[:, 1])
    return np.array(rows)


def _rounded(values: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(round(float(value), 4) for value in values)
