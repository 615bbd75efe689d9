"""How far a distribution of scores has moved: the population stability index, against a mixture of two classes.

A week has another share of synthetic images than the calibration set, which is no drift. So the share is fitted first:
that mixture of both classes' distributions which explains the scores best (maximum likelihood, by
expectation-maximisation). The index then compares the scores with this mixture.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.float64]
"""Numbers of images (K, B): of K kinds in B bins."""

Band = Literal["stable", "moderate", "major"]

MODERATE, MAJOR = 0.1, 0.25
"""The usual bands of the index (Siddiqi 2006): below .1 nothing to do, above .25 another population."""

_LEAST_MASS = 0.08  # of the expected images in each bin that is compared: about the tenths that are usual
_STEPS = 200


def share_of_synthetic(observed: Counts, real: Counts, synthetic: Counts) -> float:
    """The share (0..1) of synthetic images under which `observed` (K, B) is likeliest.

    `real`, `synthetic`: each kind's distribution over the bins (K, B), of sum 1.
    """
    share = 0.5
    for _ in range(_STEPS):
        joint = share * synthetic
        given = joint / (joint + (1 - share) * real)
        share = float((observed * given).sum() / observed.sum())
    return share


def distribution(counts: Counts) -> Counts:
    """Counts (..., B) as shares, none of them 0: half an image is added to each, since none seen is not never."""
    more = counts + 0.5
    return np.asarray(more / more.sum(axis=-1, keepdims=True), np.float64)


def stability_index(observed: NDArray[np.float64], expected: NDArray[np.float64]) -> float:
    """The population stability index between counts (B,) of the same bins; neighbours are merged until each is expected
    to hold 8 % of the images."""
    edges = _edges(expected / expected.sum())
    seen, wanted = (distribution(np.add.reduceat(counts, edges)) for counts in (observed, expected))
    return float(((seen - wanted) * np.log(seen / wanted)).sum())


def band_of(index: float) -> Band:
    """What an index means."""
    if index < MODERATE:
        return "stable"
    return "moderate" if index < MAJOR else "major"


def _edges(expected: NDArray[np.float64]) -> list[int]:
    """Where merged bins begin."""
    edges, mass = [0], 0.0
    for bin_, share in enumerate(expected):
        if mass >= _LEAST_MASS and expected[bin_:].sum() >= _LEAST_MASS:
            edges.append(bin_)
            mass = 0.0
        mass += float(share)
    return edges
