"""The distance between two faces: the Euclidean distance of their embeddings."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models import ModelFault

_ROWS = 8192  # 8 MB of float64 at 128 dimensions


def compare(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """The distance of two embeddings (float32, same length), computed in float64.

    Raises:
        ModelFault: one is not a valid embedding (dtype, shape, NaN, infinite), or their lengths differ.
    """
    check_embedding(a, len(b) if b.ndim == 1 else 0)
    check_embedding(b, len(a))
    return float(distances(a[None], b)[0])


def distances(
    templates: NDArray[np.float32], embedding: NDArray[np.float32], rows: Sequence[int] | NDArray[np.intp] | None = None
) -> NDArray[np.float64]:
    """The distance of `embedding` (D,) to each of `templates` (N x D) or to the selected `rows`: float64, symmetric.

    This is the definition; `Templates` computes the same numbers faster.
    """
    chosen = np.arange(len(templates)) if rows is None else np.asarray(rows, np.intp)
    target = embedding.astype(np.float64)
    found = np.empty(len(chosen), np.float64)
    for start in range(0, len(chosen), _ROWS):
        difference = templates[chosen[start : start + _ROWS]].astype(np.float64) - target
        found[start : start + _ROWS] = np.sqrt((difference * difference).sum(axis=1))
    return found


def check_embedding(embedding: NDArray[np.float32], dimensions: int) -> None:
    """Raise ModelFault unless `embedding` is float32, (dimensions,) and finite."""
    if embedding.dtype != np.float32 or embedding.shape != (dimensions,) or not dimensions:
        raise ModelFault(f"not an embedding of {dimensions} numbers: {embedding.dtype} of shape {embedding.shape}")
    if not np.isfinite(embedding).all():
        raise ModelFault("the embedding is not finite")
