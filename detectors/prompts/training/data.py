"""The training prompts: features, labels, and groups of near duplicates."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack
from scipy.sparse.csgraph import connected_components

from detectors.prompts.categories import LEARNED
from detectors.prompts.features import features
from detectors.prompts.normalise import normalise

_I2P_NAMES = {"self-harm": "self_harm", "illegal activity": "illegal"}
_HARMFUL, _HARMLESS = 50.0, 20.0
"""Percentage of inappropriate images a prompt produced; in between, it is neither harmful nor harmless."""

_NEAR_DUPLICATE = 0.6
"""Cosine similarity of two feature rows."""


@dataclass(frozen=True)
class Prompts:
    """N prompts: `texts`, features `rows` (N x SIZE), `positive` and `in_category` (N x categories), the rest (N,).

    `positive`: in the category and harmful; `harmless`: hardly ever harmful, in any category; `caption`: from COCO;
    `group`: the same number for near duplicates.
    """

    texts: Sequence[str]
    rows: csr_matrix
    positive: NDArray[np.bool_]
    in_category: NDArray[np.bool_]
    harmless: NDArray[np.bool_]
    caption: NDArray[np.bool_]
    group: NDArray[np.int32]


def load(folder: Path) -> Prompts:
    """Load i2p.csv (prompt, categories, inappropriate_percentage) and coco_captions.csv (prompt) from `folder`."""
    prompts, captions = _table(folder / "i2p.csv"), _table(folder / "coco_captions.csv")
    texts = [row["prompt"] for row in (*prompts, *captions)]
    share = np.array([float(row["inappropriate_percentage"]) for row in prompts] + [0.0] * len(captions))
    names = [{_I2P_NAMES.get(c, c) for c in row["categories"].split(", ")} for row in prompts]
    in_category = np.array([[c in named for c in LEARNED] for named in names + [set[str]()] * len(captions)])
    rows = rows_of([normalise(text).text for text in texts])
    return Prompts(
        texts=texts,
        rows=rows,
        positive=in_category & (share >= _HARMFUL)[:, None],
        in_category=in_category,
        harmless=share <= _HARMLESS,
        caption=np.arange(len(texts)) >= len(prompts),
        group=_groups(rows),
    )


def rows_of(texts: Sequence[str]) -> csr_matrix:
    """Features (N x SIZE) of texts, without normalising them."""
    return vstack([csr_matrix(features(text)) for text in texts], format="csr")


def _groups(rows: csr_matrix) -> NDArray[np.int32]:
    near = rows @ rows.T
    near.data[near.data < _NEAR_DUPLICATE] = 0
    near.eliminate_zeros()
    result: NDArray[np.int32] = connected_components(near, directed=False)[1]
    return result


def _table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
