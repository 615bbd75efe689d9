"""Heads on features: how synthetic an image is, and of which kind. One inversion fits both and leaves groups out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .leave_out import Ridge, Scaling, Solved, kernel_of, solve
from .pack import NAMES, UNKNOWN_KIND, Pack, sample_weights

Table = NDArray[np.floating]
_NOTHING = 1e-3  # next to no weight; none at all has no inverse


@dataclass(frozen=True)
class Head:
    """Features (N, D) to a score (N,), about +1 for synthetic and -1 for real, and scores of NAMES (N, K)."""

    scaling: Scaling
    synthetic: Ridge
    kinds: Ridge

    def __call__(self, rows: Table) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        scaled = self.scaling(rows)
        return self.synthetic(scaled)[:, 0], self.kinds(scaled)


@dataclass(frozen=True)
class HeldOut:
    """For each condition, what each image is given by a head that never saw its group: scores (N,), kinds (N, K)."""

    scores: list[NDArray[np.float64]]
    kinds: list[NDArray[np.float64]]


@dataclass(frozen=True)
class Recipe:
    """`penalty` per feature; within a class, a group of n images weighs n ** `power`."""

    penalty: float
    power: float = 0.5


def fit(pack: Pack, tables: list[Table], recipe: Recipe, kind_recipe: Recipe) -> tuple[Head, HeldOut]:
    """Fit on every image in every condition (tables (N, D)); hold out every group."""
    rows = np.concatenate(tables)
    scaling = Scaling.of(rows)
    scaled = scaling(rows)
    kernel, conditions = kernel_of(scaled), len(tables)
    synthetic = fit_synthetic(pack, kernel, conditions, recipe, pack.group)
    kinds = fit_kinds(pack, kernel, conditions, kind_recipe)
    held_out = HeldOut(by_condition(synthetic.left_out[:, 0], conditions), by_condition(kinds.left_out, conditions))
    return Head(scaling, synthetic.ridge(scaled), kinds.ridge(scaled)), held_out


def by_condition(values: NDArray[np.float64], conditions: int) -> list[NDArray[np.float64]]:
    """Rows (conditions * N, ...) as a list of (N, ...)."""
    return list(np.split(values, conditions))


def fit_synthetic(
    pack: Pack, kernel: NDArray[np.float32], conditions: int, recipe: Recipe, group: NDArray[np.str_]
) -> Solved:
    """The head for "synthetic" on rows (conditions * N), leaving out `group` (N,)."""
    weights = sample_weights(pack.fake, pack.group, recipe.power) / conditions
    targets = np.tile(2.0 * pack.fake - 1, conditions)[:, None]
    return solve(kernel, targets, np.tile(weights, conditions), np.tile(group, conditions), recipe.penalty)


def fit_kinds(pack: Pack, kernel: NDArray[np.float32], conditions: int, recipe: Recipe) -> Solved:
    """The head for kinds: one target (+1, -1) each, kinds of equal weight. Images of unknown kind teach nothing."""
    known = pack.kind != UNKNOWN_KIND
    targets = np.where(pack.kind[:, None] == np.arange(len(NAMES)), 1.0, -1.0)
    _, inverse, counts = np.unique(pack.kind, return_inverse=True, return_counts=True)
    weights = np.where(known, (1.0 / counts)[inverse], 0.0)
    weights = np.where(known, weights * known.sum() / weights.sum(), _NOTHING) / conditions
    group = np.tile(pack.group, conditions)
    return solve(kernel, np.tile(targets, (conditions, 1)), np.tile(weights, conditions), group, recipe.penalty)
