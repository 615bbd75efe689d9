"""A logistic regression per category, its held-out logits, and the limits from which a score is significant."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from detectors.prompts.categories import LEARNED

from .data import Prompts

FOLDS = 5
_STRENGTH = 10.0  # inverse regularisation; 1 and 10 were compared
_FALSE_POSITIVES = 0.01  # share of harmless prompts that reach the limit of any category

Linear = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Weights (SIZE x categories) and biases (categories,)."""


def fit(prompts: Prompts, chosen: NDArray[np.bool_]) -> Linear:
    """Fit harmful prompts of a category against harmless ones of the same style and against captions.

    Harmful prompts of other categories are left out, because the categories overlap.
    """
    weights, biases = [], []
    for column in range(len(LEARNED)):
        positive = prompts.positive[:, column]
        used = chosen & (positive | prompts.harmless)
        model = LogisticRegression(C=_STRENGTH, class_weight="balanced", solver="liblinear")
        model.fit(prompts.rows[used], positive[used])
        weights.append(model.coef_[0])
        biases.append(model.intercept_[0])
    return np.stack(weights, axis=1), np.array(biases)


def folds(prompts: Prompts) -> NDArray[np.int64]:
    """The fold (N,) in which each prompt is held out; near duplicates share a fold."""
    fold = np.zeros(len(prompts.texts), np.int64)
    for number, (_, held_out) in enumerate(GroupKFold(FOLDS).split(fold, groups=prompts.group)):
        fold[held_out] = number
    return fold


def held_out_logits(prompts: Prompts, fold: NDArray[np.int64], models: list[Linear], rows: csr_matrix) -> np.ndarray:
    """Logits (N x categories) of `rows`, each by the model that was trained without it."""
    logits = np.zeros((len(prompts.texts), len(LEARNED)))
    for number, (weights, biases) in enumerate(models):
        logits[fold == number] = rows[fold == number] @ weights + biases
    return logits


def limits(prompts: Prompts, logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Logits (categories,) such that at most 1 % of harmless prompts reach the limit of any category.

    Every category gets an equal share. Only harmless prompts of the same style count: captions are easier.
    """
    harmless = logits[prompts.harmless & ~prompts.caption]
    for over in range(len(harmless) // 100, -1, -1):
        found = np.sort(harmless, axis=0)[-1 - over] + 1e-3
        if (harmless >= found).any(axis=1).mean() <= _FALSE_POSITIVES:
            result: NDArray[np.float64] = found
            return result
    raise AssertionError("unreachable: no harmless prompt is above the highest one")
