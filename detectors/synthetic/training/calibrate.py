"""Probabilities, intervals and thresholds from held-out scores, for the detector's `calibration.json`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.synthetic.calibration import BINS, KindScale, Scale
from detectors.synthetic.kinds import KINDS

from .heads import HeldOut
from .pack import NAMES, Pack, sample_weights

RATES = (0.05, 0.01)
MISSED = 0.03
SQUASH = 1.5
KIND_SHARE = 0.6
"""A kind's threshold keeps this share of the rate on the sources at hand: sources elsewhere differ more."""
SHARES: Mapping[str, float] = {"headshot": 0.5, "portrait": 0.25, "painting": 0.3, "stock": 0.4}
"""Kinds with a smaller share, with the encoder: sitters and painters have most to lose, and portraits, paintings and
stock photographs differ most between sources."""
SHARES_ALONE: Mapping[str, float] = {"headshot": 0.1, "portrait": 0.1, "painting": 0.1}
"""The same for the network alone, which takes many studio portraits for something else."""
FLOORS: Mapping[str, float] = {"painting": 0.75, "headshot": 0.45}
"""With the encoder, the least threshold on the squashed score of kinds whose own images do not show the tail: nearly
all paintings are from two sources, and close portraits of other sources are taken for headshots."""
FLOORS_ALONE: Mapping[str, float] = {}
FEWEST_REAL, FEWEST_GROUPS, LEAST_RECALL = 40, 5, 0.05
"""A kind has a threshold only if this many held-out images and groups measured it, and it still finds something."""
DRAWS = 200
FOLDS, DIVISIONS = 5, 10
"""Groups are divided at random into FOLDS parts, DIVISIONS times: one division alone moves a kind's rate by a third."""
KNOTS = np.linspace(-6, 6, 49)

Called = dict[float, NDArray[np.float64]]
"""For each rate, how often each row is called synthetic: the share of divisions."""

Floats = NDArray[np.floating]


@dataclass(frozen=True)
class Rows:
    """Held-out rows, every condition under the other: image, squashed score `x`, class, predicted kind, weight, group.

    `folds` (DIVISIONS, rows): groups at random in FOLDS parts, for figures by calibrations that never saw the group.
    `shares`: of the rate that kinds are held to, KIND_SHARE for those that are not named. `floors`: as FLOORS.
    """

    image: NDArray[np.int64]
    x: NDArray[np.float64]
    fake: NDArray[np.int64]
    kind: NDArray[np.int64]
    weight: NDArray[np.float64]
    group: NDArray[np.str_]
    folds: NDArray[np.int64]
    shares: Mapping[str, float]
    floors: Mapping[str, float]

    @classmethod
    def of(
        cls,
        pack: Pack,
        held_out: HeldOut,
        chosen: NDArray[np.bool_],
        shares: Mapping[str, float] = SHARES,
        floors: Mapping[str, float] = FLOORS,
    ) -> Rows:
        """The `chosen` images (N,) in every condition."""
        conditions = len(held_out.scores)
        names = np.unique(pack.group)
        rng = np.random.default_rng(0)
        folds = np.stack([rng.permutation(len(names)) % FOLDS for _ in range(DIVISIONS)])
        return cls(
            image=np.tile(np.flatnonzero(chosen), conditions),
            x=np.concatenate([np.tanh(SQUASH * scores[chosen]) for scores in held_out.scores]),
            fake=np.tile(pack.fake[chosen], conditions),
            kind=np.concatenate([kinds[chosen].argmax(1) for kinds in held_out.kinds]),
            weight=np.tile(sample_weights(pack.fake[chosen], pack.group[chosen]), conditions),
            group=np.tile(pack.group[chosen], conditions),
            folds=np.tile(folds[:, np.searchsorted(names, pack.group[chosen])], conditions),
            shares=shares,
            floors=floors,
        )


@dataclass(frozen=True)
class Limits:
    """Thresholds on the squashed score: over all images, and for each kind; None: no such verdict for this kind."""

    overall: dict[float, float]
    missed: float
    above: dict[float, list[float | None]]
    below: list[float | None]


def logistic(x: Floats, labels: Floats | NDArray[np.int64], weights: Floats) -> tuple[float, float]:
    """Weight and bias of the log-odds that `labels` are 1 given `x` (N,), by Newton's method."""
    design = np.stack([x, np.ones_like(x)], axis=1)
    found = np.zeros(2)
    for _ in range(25):
        p = sigmoid(design @ found)
        hessian = (design * (weights * p * (1 - p))[:, None]).T @ design + 1e-6 * np.eye(2)
        found = found - np.linalg.solve(hessian, design.T @ (weights * (p - labels)))
    return float(found[0]), float(found[1])


def sigmoid(logits: Floats) -> NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -30, 30))), np.float64)


def quantile(values: Floats, weights: Floats, share: float) -> float:
    """The smallest of the values that at least a weighted `share` of them does not exceed."""
    order = np.argsort(values)
    reached = np.cumsum(weights[order]) / weights.sum()
    return float(values[order][min(int(np.searchsorted(reached, share)), len(values) - 1)])


def limits(rows: Rows, chosen: NDArray[np.bool_]) -> Limits:
    """Thresholds by the chosen rows. A kind's is never looser than that over all images."""
    real, fake = chosen & (rows.fake == 0), chosen & (rows.fake == 1)
    overall = {rate: quantile(rows.x[real], rows.weight[real], 1 - rate) for rate in RATES}
    missed = quantile(rows.x[fake], rows.weight[fake], MISSED)
    above: dict[float, list[float | None]] = {rate: [] for rate in RATES}
    below: list[float | None] = []
    for kind, name in enumerate(NAMES):
        share = rows.shares.get(name, KIND_SHARE)
        floor = rows.floors.get(name, -1.0)
        own_real, own_fake = real & (rows.kind == kind), fake & (rows.kind == kind)
        for rate in RATES:
            above[rate].append(_above(rows, own_real, own_fake, rate, share, max(overall[rate], floor)))
        enough = _enough(rows, own_fake)
        below.append(min(missed, quantile(rows.x[own_fake], rows.weight[own_fake], MISSED)) if enough else None)
    return Limits(overall, missed, above, below)


def scale(rows: Rows) -> Scale:
    """The shipped scale: fitted on all rows, its rates measured by limits that never saw the group."""
    weight, bias = logistic(rows.x, rows.fake, rows.weight)
    found = limits(rows, np.ones(len(rows.x), bool))
    called = {rate: verdicts(rows, rate)[0] for rate in RATES}
    draws = _bootstrap(rows)

    def p(x: float) -> float:
        return round(float(sigmoid(np.array(weight * x + bias))), 6)

    return Scale(
        weight=round(weight, 6),
        bias=round(bias, 6),
        squash=SQUASH,
        logits=tuple(float(knot) for knot in KNOTS),
        low=_rounded(np.quantile(draws, 0.05, axis=0)),
        high=_rounded(np.quantile(draws, 0.95, axis=0)),
        synthetic_above={str(rate): p(x) for rate, x in found.overall.items()},
        camera_below=p(found.missed),
        kinds={
            name: _kind(rows, found, index, called, p).model_copy(
                update=_histograms(rows, index, sigmoid(weight * rows.x + bias))
            )
            for index, name in enumerate(KINDS)
        },
    )


def verdicts(rows: Rows, rate: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How often each row is called synthetic, and real, by limits that never saw its group: shares of divisions."""
    synthetic, camera = np.zeros(len(rows.x)), np.zeros(len(rows.x))
    for fold in rows.folds:
        for part in range(FOLDS):
            own = fold == part
            called_synthetic, called_camera = _called(rows, limits(rows, ~own), rate)
            synthetic += own & called_synthetic
            camera += own & called_camera
    return synthetic / len(rows.folds), camera / len(rows.folds)


def _called(rows: Rows, found: Limits, rate: float) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """The rows that `found` calls synthetic, and those that it calls real."""
    above = np.array([np.inf if x is None else x for x in found.above[rate]])[rows.kind]
    below = np.array([-np.inf if x is None else x for x in found.below])[rows.kind]
    return rows.x > above, (rows.x < below) & ~(rows.x > above)


def probabilities(rows: Rows) -> NDArray[np.float64]:
    """The probability of each row by a calibration that never saw its group."""
    found = np.zeros(len(rows.x))
    for part in range(FOLDS):
        fitted, own = rows.folds[0] != part, rows.folds[0] == part
        weight, bias = logistic(rows.x[fitted], rows.fake[fitted], rows.weight[fitted])
        found[own] = sigmoid(weight * rows.x[own] + bias)
    return found


def _above(
    rows: Rows, real: NDArray[np.bool_], fake: NDArray[np.bool_], rate: float, share: float, least: float
) -> float | None:
    if not _enough(rows, real):
        return None
    limit = max(least, quantile(rows.x[real], rows.weight[real], 1 - share * rate))
    found = rows.weight[fake & (rows.x > limit)].sum() / max(rows.weight[fake].sum(), 1e-9)
    return limit if found >= LEAST_RECALL * (rate / RATES[0]) else None


def _enough(rows: Rows, chosen: NDArray[np.bool_]) -> bool:
    return int(chosen.sum()) >= FEWEST_REAL and len(np.unique(rows.group[chosen])) >= FEWEST_GROUPS


def _kind(rows: Rows, found: Limits, kind: int, called: Called, p: Callable[[float], float]) -> KindScale:
    real, fake = ((rows.kind == kind) & (rows.fake == label) for label in (0, 1))
    held = {rate: above for rate in RATES if (above := found.above[rate][kind]) is not None}
    below = found.below[kind]
    return KindScale(
        real=len(np.unique(rows.image[real])),
        synthetic=len(np.unique(rows.image[fake])),
        synthetic_above={str(rate): p(above) for rate, above in held.items()},
        false_positives={str(rate): round(float(called[rate][real].mean()), 4) for rate in held},
        recall={str(rate): round(float(called[rate][fake].mean()), 4) for rate in held},
        camera_below=None if below is None else p(below),
    )


def _histograms(rows: Rows, kind: int, p: NDArray[np.float64]) -> dict[str, tuple[int, ...]]:
    """How the probabilities `p` of both classes lie in BINS bins, among rows taken for this kind."""
    counted = (np.histogram(p[(rows.kind == kind) & (rows.fake == label)], BINS, (0, 1))[0] for label in (0, 1))
    real, synthetic = (tuple(int(number) for number in counts) for counts in counted)
    return {"real_histogram": real, "synthetic_histogram": synthetic}


def _bootstrap(rows: Rows) -> NDArray[np.float64]:
    """(DRAWS, knots): the probability at each knot, calibrated on groups sampled with replacement."""
    names, inverse = np.unique(rows.group, return_inverse=True)
    weight, bias = logistic(rows.x, rows.fake, rows.weight)
    return np.array([_redrawn(rows, inverse, draw, weight, bias) for draw in _draws(len(names))])


def _draws(groups: int) -> Iterator[NDArray[np.int64]]:
    rng = np.random.default_rng(6)
    for _ in range(DRAWS):
        yield np.bincount(rng.integers(0, groups, groups), minlength=groups)


def _redrawn(
    rows: Rows, group: NDArray[np.int64], times: NDArray[np.int64], weight: float, bias: float
) -> NDArray[np.float64]:
    """The probability at each knot of the shipped log-odds by a calibration on redrawn groups."""
    weights = rows.weight * times[group]
    for label in (0, 1):  # both classes weigh the same in every draw
        weights[rows.fake == label] /= weights[rows.fake == label].sum()
    slope, offset = logistic(weight * rows.x + bias, rows.fake, weights * len(rows.x))
    return sigmoid(slope * KNOTS + offset)


def _rounded(values: Floats) -> tuple[float, ...]:
    return tuple(round(float(value), 4) for value in values)
