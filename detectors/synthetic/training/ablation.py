"""Choices that were compared, each measured like the shipped one: whole groups left out, both conditions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
from numpy.typing import NDArray

from . import evaluate, features, heads, tables
from .data import Data
from .heads import Recipe, by_condition
from .leave_out import Scaling, kernel_of, solve
from .pack import NAMES, Pack, sample_weights

_COLUMNS = ("variant", *(f"{what}, {c}" for c in features.CONDITIONS for what in ("AUROC", "TPR at 5 %", "at 1 %")))
CHOSEN, BLOCKS = Recipe(1.0), (6, 8, 10)

Scores = list[NDArray[np.float64]]
"""For each condition, the score of each image (N,)."""


@dataclass(frozen=True)
class Kernels:
    """The kernel (2 N, 2 N) of each block of the encoder, and of the network."""

    of_block: dict[int, NDArray[np.float32]]
    network: NDArray[np.float32]

    def of(self, blocks: Sequence[int]) -> NDArray[np.float32]:
        """The kernel of several blocks together."""
        return np.asarray(sum(self.of_block[block] for block in blocks) / len(blocks), np.float32)


def table(data: Data, match: str = "") -> str:
    """A row for the shipped variant and each whose name has `match` in it; half a minute each, 3 GB of memory."""
    kernels = Kernels(
        of_block={block: _kernel(data.of_blocks([block])) for block in features.BLOCKS}, network=_kernel(data.network)
    )
    chosen = (each for number, each in enumerate(_variants(data, kernels)) if number == 0 or match in each[0])
    return tables.markdown(_COLUMNS, ([name, *_cells(data.pack, scores())] for name, scores in chosen))


def _variants(data: Data, kernels: Kernels) -> Iterator[tuple[str, Callable[[], Scores]]]:
    pack, chosen = data.pack, kernels.of(BLOCKS)

    def scores(kernel: NDArray[np.float32], recipe: Recipe = CHOSEN) -> Scores:
        solved = heads.fit_synthetic(pack, kernel, len(features.CONDITIONS), recipe, pack.group)
        return by_condition(solved.left_out[:, 0], len(features.CONDITIONS))

    shipped = cache(lambda: scores(chosen))
    network = cache(lambda: scores(kernels.network, Recipe(0.3)))
    yield "**blocks 6, 8, 10; penalty 1; weights n^.5**", shipped
    yield "blocks 7 to 9, penalty 10 (version 1)", lambda: scores(kernels.of((7, 8, 9)), Recipe(10.0))
    for blocks in ((7, 8, 9), (6, 7, 8, 9), (8, 9, 10), (7, 8, 9, 10), (6, 7, 8, 9, 10), (5, 6, 7, 8, 9, 10)):
        yield f"blocks {blocks[0]} to {blocks[-1]}", partial(scores, kernels.of(blocks))
    for penalty in (0.3, 3.0):
        yield f"penalty {penalty:g}", partial(scores, chosen, Recipe(penalty))
    for power, name in ((0.0, "all groups equal in weight"), (1.0, "all images equal in weight")):
        yield name, partial(scores, chosen, Recipe(1.0, power))
    by_source = sample_weights(pack.fake, pack.source)
    weighted = partial(_weighted, pack, chosen)
    yield "a generator or source in place of a repository weighs n^.5", partial(weighted, by_source)
    yield "each kind balanced in class", partial(weighted, _balanced(pack))
    yield "headshots and portraits weigh three times", partial(weighted, _heavier(pack, ("headshot", "portrait")))
    yield (
        "paintings and illustrations weigh three times",
        partial(weighted, _heavier(pack, ("painting", "illustration"))),
    )
    yield "a Gaussian kernel in place of the linear one", lambda: scores(_gaussian(chosen))
    yield "the network's features alone", network
    for share in (0.1, 0.3):
        yield f"encoder + {share:g} network (25 ms more)", partial(_both, shipped, network, share)


def _both(first: Callable[[], Scores], second: Callable[[], Scores], share: float) -> Scores:
    return [one + share * other for one, other in zip(first(), second(), strict=True)]


def _kernel(of: list[NDArray[np.float16]]) -> NDArray[np.float32]:
    rows = np.concatenate(of)
    return kernel_of(Scaling.of(rows)(rows))


def _gaussian(kernel: NDArray[np.float32]) -> NDArray[np.float32]:
    size = np.diag(kernel)
    return np.asarray(np.exp(kernel - (size[:, None] + size) / 2), np.float32)


def _balanced(pack: Pack) -> NDArray[np.float64]:
    """Weights (N,) under which both classes weigh the same in every kind that the manifest names in both."""
    weights = sample_weights(pack.fake, pack.group)
    for kind in np.unique(pack.kind):
        own = [(pack.kind == kind) & (pack.fake == label) for label in (0, 1)]
        if all(part.any() for part in own):
            total = sum(weights[part].sum() for part in own) / 2
            for part in own:
                weights[part] *= total / weights[part].sum()
    return np.asarray(weights * len(pack) / weights.sum(), np.float64)


def _heavier(pack: Pack, kinds: Sequence[str]) -> NDArray[np.float64]:
    """Weights (N,) with those of some kinds tripled."""
    weights = sample_weights(pack.fake, pack.group)
    weights[np.isin(pack.kind, [NAMES.index(kind) for kind in kinds])] *= 3
    return np.asarray(weights * len(pack) / weights.sum(), np.float64)


def _weighted(pack: Pack, kernel: NDArray[np.float32], weights: NDArray[np.float64]) -> Scores:
    conditions = len(features.CONDITIONS)
    targets = np.tile(2.0 * pack.fake - 1, conditions)[:, None]
    solved = solve(kernel, targets, np.tile(weights / conditions, conditions), np.tile(pack.group, conditions), 1.0)
    return by_condition(solved.left_out[:, 0], conditions)


def _cells(pack: Pack, scores: list[NDArray[np.float64]]) -> Iterator[str]:
    for each in scores:
        found = evaluate.figures(pack, each)
        yield from (f"{value:.3f}" for value in (found.auroc, *found.recall))
