"""Figures of held-out scores: over all, by subject of the real images, by generator, and by group."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .pack import Pack

Scores = NDArray[np.floating]
RATES = (0.05, 0.01)
FEWEST = 20
"""Of fewer images, a rate or an AUROC of their own says nothing."""


@dataclass(frozen=True)
class Figures:
    """Over all images in one condition. `recall`: share of synthetic images above the threshold that 5 % and 1 % of
    the real ones exceed. `mean` and `worst`: over groups with synthetic images, AUROC against every real image."""

    auroc: float
    photographs: float
    art: float
    recall: tuple[float, float]
    mean: float
    worst: float
    worst_group: str


@dataclass(frozen=True)
class Row:
    """`images` of one subject, generator or group: `auroc` of synthetic ones, and the share above each threshold."""

    name: str
    images: int
    groups: int
    auroc: float | None
    above: tuple[float, float]


def auroc(real: Scores, fake: Scores) -> float:
    """Probability that a synthetic image scores above a real one, ties counted as half (Mann and Whitney 1947)."""
    ordered = np.sort(real)
    below = np.searchsorted(ordered, fake, side="left")
    not_above = np.searchsorted(ordered, fake, side="right")
    return float((below + not_above).mean() / (2 * len(real)))


def limits(pack: Pack, scores: Scores) -> tuple[float, float]:
    """The thresholds that 5 % and 1 % of all real images exceed."""
    strict, loose = np.quantile(scores[pack.fake == 0], [1 - RATES[1], 1 - RATES[0]])
    return float(loose), float(strict)


def figures(pack: Pack, scores: Scores) -> Figures:
    """Figures of held-out scores (N,)."""
    real, fake = pack.fake == 0, pack.fake == 1
    loose, strict = limits(pack, scores)
    groups = [row for row in by(pack, scores, pack.group, fake) if row.images >= FEWEST and row.auroc is not None]
    worst = min(groups, key=lambda row: row.auroc or 0.0)
    return Figures(
        auroc=auroc(scores[real], scores[fake]),
        photographs=auroc(scores[real & pack.photo], scores[fake & pack.photo]),
        art=auroc(scores[real & ~pack.photo], scores[fake & ~pack.photo]),
        recall=(float((scores[fake] > loose).mean()), float((scores[fake] > strict).mean())),
        mean=float(np.mean([row.auroc for row in groups])),
        worst=worst.auroc or 0.0,
        worst_group=worst.name,
    )


def by(pack: Pack, scores: Scores, label: NDArray[np.str_], chosen: NDArray[np.bool_]) -> Iterator[Row]:
    """A row for each value of `label` (N,) among the `chosen` images (N,), all of one class."""
    loose, strict = limits(pack, scores)
    real = scores[pack.fake == 0]
    for name in np.unique(label[chosen]):
        own = chosen & (label == name)
        yield Row(
            name=str(name),
            images=int(own.sum()),
            groups=len(np.unique(pack.group[own])),
            auroc=auroc(real, scores[own]) if pack.fake[own].all() else None,
            above=(float((scores[own] > loose).mean()), float((scores[own] > strict).mean())),
        )


def calibration_error(p: NDArray[np.floating], labels: NDArray[np.int64], bins: int = 15) -> float:
    """Expected calibration error: mean distance of probability and frequency over bins of equal count (Guo 2017)."""
    order = np.array_split(np.argsort(p, kind="stable"), bins)
    return float(sum(abs(p[part].mean() - labels[part].mean()) * len(part) for part in order) / len(p))
