"""How well scores separate two classes: the arithmetic of `countermark benchmark`."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]


def auroc(real: Scores, fake: Scores) -> float:
    """Probability that a synthetic image scores above a real one, ties counted as half (Mann and Whitney 1947)."""
    ordered = np.sort(real)
    below = np.searchsorted(ordered, fake, side="left")
    not_above = np.searchsorted(ordered, fake, side="right")
    return float((below + not_above).mean() / (2 * len(real)))


def auroc_interval(real: Scores, fake: Scores, resamples: int = 300) -> tuple[float, float]:
    """90 % bootstrap interval of the AUROC over images; deterministic."""
    rng = np.random.default_rng(0)
    values = [auroc(rng.choice(real, len(real)), rng.choice(fake, len(fake))) for _ in range(resamples)]
    low, high = np.quantile(values, (0.05, 0.95))
    return float(low), float(high)


def threshold(real: Scores, rate: float) -> float:
    """The smallest of the real scores that at most a share `rate` of them exceeds."""
    ordered = np.sort(real)[::-1]
    return float(ordered[min(int(rate * len(real)), len(real) - 1)])


def recall(real: Scores, fake: Scores, rate: float) -> float:
    """Share of synthetic images above the threshold that a share `rate` of real ones exceeds."""
    return float((fake > threshold(real, rate)).mean())


def wilson(hits: int, of: int, z: float = 1.96) -> tuple[float, float]:
    """95 % interval of a rate (Wilson 1927)."""
    rate, weight = hits / of, z * z / of
    middle = (rate + weight / 2) / (1 + weight)
    half = z * math.sqrt(rate * (1 - rate) / of + weight / (4 * of)) / (1 + weight)
    return max(0.0, middle - half), min(1.0, middle + half)


def calibration_error(real: Scores, fake: Scores, bins: int = 15) -> float:
    """Expected calibration error over equally filled bins (Guo et al. 2017); classes weigh by their size."""
    return float(sum(abs(p - share) * weight for p, share, weight in reliability(real, fake, bins)))


def reliability(real: Scores, fake: Scores, bins: int = 15) -> list[tuple[float, float, float]]:
    """For equally filled bins: mean probability, share of synthetic images, share of all images."""
    p = np.concatenate([real, fake])
    labels = _shared(p, np.r_[np.zeros(len(real)), np.ones(len(fake))])
    parts = [part for part in np.array_split(np.argsort(p, kind="stable"), bins) if len(part)]
    return [(float(p[part].mean()), float(labels[part].mean()), len(part) / len(p)) for part in parts]


def roc(real: Scores, fake: Scores) -> list[tuple[float, float]]:
    """(false-positive rate, recall) at every threshold, from (0, 0) to (1, 1)."""
    thresholds = np.unique(np.concatenate([real, fake]))[::-1]
    points = [(float((real >= t).mean()), float((fake >= t).mean())) for t in thresholds]
    return [(0.0, 0.0), *_thinned(points)]


def histogram(scores: Scores, bins: int = 20) -> list[float]:
    """Share of the scores in each of equally wide bins over 0..1."""
    return [float(share) for share in np.histogram(scores, bins, (0, 1))[0] / len(scores)]


def _shared(p: Scores, labels: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean label of equal `p`: a bin edge among ties must not sort them by class."""
    _, place = np.unique(p, return_inverse=True)
    means: NDArray[np.float64] = np.bincount(place, labels) / np.bincount(place)
    return means[place]


def _thinned(points: Sequence[tuple[float, float]], most: int = 200) -> list[tuple[float, float]]:
    chosen = np.unique(np.linspace(0, len(points) - 1, most).round().astype(int))
    return [points[index] for index in chosen]
