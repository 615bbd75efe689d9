"""Ridge regression, and the exact scores that it would give to each group had it been fitted without it.

With row weights W, targets y and penalty p the dual solution is a = (K + p / W)^-1 y for the kernel K = X X' / D + 1
(the constant gives the intercept). Without a group g its own predictions are y_g - (A^-1)_gg^-1 a_g with
A = K + p / W (Cawley and Talbot 2004; for one row it is the hat matrix's leave-one-out residual). So one inversion
gives what refitting once for each group would. Means and deviations, which no label enters, are those of all rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

CLIP = 4.0


@dataclass(frozen=True)
class Scaling:
    """(x - mean) / deviation, clipped at CLIP."""

    mean: NDArray[np.float32]
    deviation: NDArray[np.float32]

    @classmethod
    def of(cls, rows: NDArray[np.floating]) -> Scaling:
        """Fitted on rows (N, D)."""
        wide = np.asarray(rows, np.float32)
        return cls(wide.mean(0), wide.std(0) + np.float32(1e-6))

    def __call__(self, rows: NDArray[np.floating]) -> NDArray[np.float32]:
        return np.asarray(((rows - self.mean) / self.deviation).clip(-CLIP, CLIP), np.float32)


@dataclass(frozen=True)
class Ridge:
    """A fitted linear map: rows (N, D) to (N, T) for T targets."""

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]

    def __call__(self, scaled: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(scaled @ self.weights + self.bias, np.float32)


@dataclass(frozen=True)
class Solved:
    """One inversion: the dual solution (N, T), and what each group is given by a fit without it (N, T)."""

    dual: NDArray[np.float64]
    left_out: NDArray[np.float64]

    def ridge(self, scaled: NDArray[np.float32]) -> Ridge:
        """The map fitted on all rows (N, D), those of the kernel."""
        weights = scaled.T @ self.dual.astype(np.float32) / scaled.shape[1]
        return Ridge(np.asarray(weights, np.float32), self.dual.sum(0).astype(np.float32))


def kernel_of(scaled: NDArray[np.float32]) -> NDArray[np.float32]:
    """X X' / D of rows (N, D). Kernels of parts of the features add up, each weighted by its share of them."""
    return np.asarray(scaled @ scaled.T / scaled.shape[1], np.float32)


def solve(
    kernel: NDArray[np.float32],
    targets: NDArray[np.float64],
    weights: NDArray[np.float64],
    group: NDArray[np.str_] | NDArray[np.int64],
    penalty: float,
) -> Solved:
    """Fit targets (N, T) with row weights (N,) under a `kernel` (N, N); `penalty` is per feature. O(N^3) time."""
    system = np.asfortranarray(kernel, dtype=np.float64) + 1.0
    system[np.diag_indices(len(system))] += penalty / weights
    inverse = _inverse(system)
    dual = inverse @ targets
    left_out = np.empty_like(dual)
    for name in np.unique(group):
        own = np.flatnonzero(group == name)
        left_out[own] = targets[own] - np.linalg.solve(inverse[np.ix_(own, own)], dual[own])
    return Solved(dual, left_out)


def _inverse(system: NDArray[np.float64]) -> NDArray[np.float64]:
    """The inverse of a positive definite matrix, in half the time of the general one."""
    factor, failed = lapack.dpotrf(system, lower=1, overwrite_a=1)
    if failed:
        raise ValueError("the weights or the penalty make the system singular")
    lower, _ = lapack.dpotri(factor, lower=1, overwrite_c=1)
    lower = np.tril(lower)
    return np.asarray(lower + np.tril(lower, -1).T, np.float64)


def halves(group: NDArray[np.str_], seeds: Iterable[int]) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """The rows (N,) of a random half of the groups and those of the other half; for each seed both ways."""
    names = np.unique(group)
    for seed in seeds:
        half = (np.random.default_rng(seed).permutation(len(names)) % 2 == 0)[np.searchsorted(names, group)]
        yield half, ~half
        yield ~half, half
