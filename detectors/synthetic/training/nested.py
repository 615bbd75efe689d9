"""What thresholds do elsewhere when their floors are chosen on some groups and judged on the others.

`calibrate.FLOORS` were chosen by looking at rates of all held-out images. Here they are chosen on a random half of the
groups and applied to the other half, so these rates hold no such choice. Half of the groups also measure less.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from . import calibrate, tables
from .calibrate import Rows
from .features import CONDITIONS
from .leave_out import halves
from .pack import Pack

AIMS: Mapping[str, tuple[str, float]] = {"painting": ("painting", 0.03), "headshot": ("portrait", 0.08)}
"""For a kind's floor: the subject whose real images it protects, and the share of them that may be called synthetic."""
_GRID = (-1.0, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9)
_RATE = 0.05
_SEED = 100  # of the first split; `families` begins at 0

Bools = NDArray[np.bool_]


def table(pack: Pack, rows: Rows, splits: int) -> str:
    """Markdown: the share called synthetic, of real images by what they show and of synthetic ones, over all splits."""
    called = {name: np.zeros(len(rows.x)) for name in ("floors as shipped", "no floors", "floors chosen on half")}
    floors: list[dict[str, float]] = []
    for fitted, judged in halves(rows.group, range(_SEED, _SEED + splits)):
        floors.append(_chosen(pack, rows, fitted))
        for name, each in zip(called, (calibrate.FLOORS, {}, floors[-1]), strict=True):
            called[name] += _called(replace(rows, floors=each), fitted) & judged
    cells = [[f"{name}, {c}" for name in called for c in CONDITIONS]]
    subject = np.where(rows.fake == 1, "(synthetic)", pack.subject[rows.image])
    for name in np.unique(subject):
        own = [(subject == name) & condition for condition in _conditions(rows)]
        cells.append([str(name), *(f"{of[part].mean() / splits:.3f}" for of in called.values() for part in own)])
    text = tables.markdown(["shows", *cells[0]], cells[1:])
    medians = ", ".join(f"{kind} {np.median([each[kind] for each in floors]):g}" for kind in AIMS)
    return f"{text}\n\nFloors chosen, medians: {medians}."


def _chosen(pack: Pack, rows: Rows, fitted: Bools) -> dict[str, float]:
    """The least floors at which, on the `fitted` rows, the aims are met in both conditions."""
    floors = dict.fromkeys(AIMS, _GRID[-1])
    for kind, (subject, aim) in AIMS.items():
        real = fitted & (rows.fake == 0) & (pack.subject[rows.image] == subject)
        for floor in _GRID:
            called = _called(replace(rows, floors={kind: floor}), fitted)
            if all(called[real & condition].sum() <= aim * (real & condition).sum() for condition in _conditions(rows)):
                floors[kind] = floor
                break
    return floors


def _called(rows: Rows, fitted: Bools) -> Bools:
    """The rows that limits fitted on some of them call synthetic."""
    above = np.array([np.inf if x is None else x for x in calibrate.limits(rows, fitted).above[_RATE]])
    return np.asarray(rows.x > above[rows.kind], bool)


def _conditions(rows: Rows) -> list[Bools]:
    count = len(rows.x) // len(CONDITIONS)
    return [np.arange(len(rows.x)) // count == number for number in range(len(CONDITIONS))]
