"""The tables of the model card, from held-out scores, as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from . import evaluate
from .evaluate import FEWEST, Figures, Row
from .pack import Pack

Scores = NDArray[np.floating]
Conditions = Mapping[str, Scores]
"""For each condition, the held-out scores (N,)."""

OVERALL = ("AUROC", "photographs", "art", "TPR at 5 %", "at 1 %", "mean over groups", "worst group")


def markdown(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def all_of(pack: Pack, models: Mapping[str, Conditions]) -> str:
    """Every table for each model."""
    parts = [overall(pack, models)]
    for name, conditions in models.items():
        parts += [f"Real images, {name}:", by_subject(pack, conditions)]
        parts += [f"Generators, {name}:", by_generator(pack, conditions)]
        parts += [f"Groups, {name}:", by_group(pack, conditions, 1), by_group(pack, conditions, 0)]
    return "\n\n".join(parts) + "\n"


def overall(pack: Pack, models: Mapping[str, Conditions]) -> str:
    """One row for each model and condition."""
    rows = [
        [model, condition, *cells(evaluate.figures(pack, scores))]
        for model, conditions in models.items()
        for condition, scores in conditions.items()
    ]
    return markdown(["model", "condition", *OVERALL], rows)


def cells(found: Figures) -> list[str]:
    """The cells of `OVERALL`."""
    values = [found.auroc, found.photographs, found.art, *found.recall, found.mean]
    return [*(f"{value:.3f}" for value in values), f"{found.worst:.3f} ({found.worst_group})"]


def by_subject(pack: Pack, conditions: Conditions) -> str:
    """Real images of each subject above the thresholds that 5 % and 1 % of all real images exceed."""
    return _by(pack, conditions, "subject", pack.subject, pack.fake == 0)


def by_generator(pack: Pack, conditions: Conditions) -> str:
    """Synthetic images of each generator family."""
    return _by(pack, conditions, "generator", pack.generator, pack.fake == 1)


def by_group(pack: Pack, conditions: Conditions, label: int) -> str:
    """Groups of at least FEWEST images of one class, worst first."""
    return _by(pack, conditions, "group", pack.group, pack.fake == label, FEWEST)


def _by(
    pack: Pack,
    conditions: Conditions,
    heading: str,
    label: NDArray[np.str_],
    chosen: NDArray[np.bool_],
    fewest: int = 1,
) -> str:
    found = {c: {row.name: row for row in evaluate.by(pack, s, label, chosen)} for c, s in conditions.items()}
    first = next(iter(found.values()))
    names = [name for name in sorted(first, key=lambda name: _worst_first(first[name])) if first[name].images >= fewest]
    fakes = bool(pack.fake[chosen].all())
    each = ("AUROC", "above 5 %", "above 1 %") if fakes else ("above 5 %", "above 1 %")
    headings = [heading, "images", "groups", *(f"{what}, {c}" for c in conditions for what in each)]
    rows = [
        [name, str(first[name].images), str(first[name].groups)]
        + [cell for of in found.values() for cell in _row_cells(of[name])]
        for name in names
    ]
    return markdown(headings, rows)


def _row_cells(row: Row) -> list[str]:
    shares = [f"{share:.3f}" for share in row.above]
    return shares if row.auroc is None else [f"{row.auroc:.3f}", *shares]


def _worst_first(row: Row) -> tuple[float, str]:
    return (-row.above[0] if row.auroc is None else row.auroc), row.name
