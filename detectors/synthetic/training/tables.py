"""The tables of the model card, from held-out logits, as Markdown."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from .calibrate import sigmoid
from .pack import Pack

Scores = NDArray[np.floating]


def summary(pack: Pack, rows: dict[str, dict[str, tuple[Scores, Scores]]]) -> str:
    """One row per model and condition; `rows` maps model -> condition -> held-out scores and logits (N,).

    Rank metrics use the scores. The calibration error uses the logits, each from a calibration fitted without the
    image's source.
    """
    head = "| model | condition | AUROC | photographs | art | TPR at 5 % FPR | at 1 % | art FPR at 5 % | ECE |"
    lines = [head, "|" + "---|" * 9]
    for model, conditions in rows.items():
        lines += [_line(pack, model, condition, *both) for condition, both in conditions.items()]
    return "\n".join(lines)


def by_source(pack: Pack, conditions: dict[str, Scores]) -> str:
    """At 5 % FPR: for generators, AUROC against every real image and recall; for real sources, the share flagged."""
    names = list(conditions)
    lines = [
        "| source | n | " + " | ".join(f"AUROC {n} | flagged {n}" for n in names) + " |",
        "|---|---|" + "---|---|" * len(names),
    ]
    for source in sorted(np.unique(pack.source), key=lambda s: (-pack.fake[pack.source == s][0], s)):
        chosen = pack.source == source
        cells = [cell for scores in conditions.values() for cell in _source_cells(pack, chosen, scores)]
        lines.append(f"| {source} | {chosen.sum()} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def leave_generator_out(pack: Pack, found: dict[str, list[Scores]], conditions: tuple[str, ...]) -> str:
    """AUROC of each generator against the real sources of its fold, with both held out."""
    lines = [
        "| generator | " + " | ".join(f"AUROC {name}" for name in conditions) + " |",
        "|---|" + "---|" * len(conditions),
    ]
    for source, each in found.items():
        own, real = pack.source == source, pack.fake == 0
        cells = [f"{_auroc(scores[own], scores[real & ~np.isnan(scores)]):.3f}" for scores in each]
        lines.append(f"| {source} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def expected_calibration_error(p: NDArray[np.float64], labels: NDArray[np.int64], bins: int = 15) -> float:
    """Mean distance between probability and frequency over bins of equal count (Guo et al. 2017)."""
    order = np.array_split(np.argsort(p), bins)
    return float(sum(abs(p[part].mean() - labels[part].mean()) * len(part) for part in order) / len(p))


def _line(pack: Pack, model: str, condition: str, scores: Scores, logits: Scores) -> str:
    real, fake = pack.fake == 0, pack.fake == 1
    art, limit = ~pack.photo & real, np.quantile(scores[real], 0.95)
    ece = expected_calibration_error(sigmoid(logits.astype(float)), pack.fake)
    values = [
        roc_auc_score(pack.fake, scores),
        _auroc(scores[fake & pack.photo], scores[real & pack.photo]),
        _auroc(scores[fake & ~pack.photo], scores[art]),
        (scores[fake] > limit).mean(),
        (scores[fake] > np.quantile(scores[real], 0.99)).mean(),
        (scores[art] > limit).mean(),
        ece,
    ]
    return f"| {model} | {condition} | " + " | ".join(f"{value:.3f}" for value in values) + " |"


def _source_cells(pack: Pack, chosen: NDArray[np.bool_], scores: Scores) -> Iterator[str]:
    real = pack.fake == 0
    limit = np.quantile(scores[real], 0.95)
    yield f"{_auroc(scores[chosen], scores[real]):.3f}" if pack.fake[chosen][0] else "-"
    yield f"{(scores[chosen] > limit).mean():.2f}"


def _auroc(fakes: Scores, reals: Scores) -> float:
    labels = np.r_[np.ones(len(fakes)), np.zeros(len(reals))]
    return float(roc_auc_score(labels, np.r_[fakes, reals]))
