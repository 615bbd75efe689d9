"""One face against many templates: exact on purpose, because an approximate miss is a silent bypass.

Every template is looked at. A float32 product gives each squared distance up to an error that is bounded; whatever
the bound cannot exclude is computed again by `distances`, in float64. So the result is that of brute force, to the bit.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.faces.comparison import check_embedding, distances
from models import ModelFault

_ROWS = 16384  # sums of one part stay in the cache between the passes over them


@dataclass(frozen=True, slots=True)
class FaceMatch:
    """Template number `index` lies at `distance` (as `compare` gives it)."""

    index: int
    distance: float


class Templates:
    """A fixed set of embeddings to search; safe to share between threads. It keeps its own copy of them."""

    def __init__(self, embeddings: NDArray[np.float32]) -> None:
        """Take `embeddings` (float32, N x D, N may be 0).

        Raises:
            ModelFault: another type or form, not finite, or too large to be squared.
        """
        if embeddings.dtype != np.float32 or embeddings.ndim != 2 or not embeddings.shape[1]:
            raise ModelFault(f"templates must be float32, N x D, not {embeddings.dtype} of shape {embeddings.shape}")
        self._rows = np.array(embeddings, order="C", copy=True)
        self._squares = np.vecdot(self._rows, self._rows)
        if not np.isfinite(self._squares).all():  # NaN compares as "not within": a bypass
            raise ModelFault("a template is not finite, or too large to be an embedding")
        self._largest = float(self._squares.max(initial=0.0))

    def __len__(self) -> int:
        return len(self._rows)

    def within(self, embedding: NDArray[np.float32], limit: float) -> list[FaceMatch]:
        """Every template at most `limit` from `embedding` (float32, (D,)), nearest first, ties by index.

        Raises:
            ModelFault: no embedding, or `limit` is negative or not finite.
        """
        if not 0 <= limit < np.inf:
            raise ModelFault(f"no limit of a distance: {limit}")
        square, slack = self._prepare(embedding)
        near = [
            start + np.flatnonzero(part <= limit**2 - square + slack) for start, part in self._approximate(embedding)
        ]
        return self._matches(embedding, np.concatenate([np.empty(0, np.intp), *near]), limit)

    def nearest(self, embedding: NDArray[np.float32], count: int = 1) -> list[FaceMatch]:
        """The `count` nearest templates (fewer where there are fewer), nearest first, ties by index.

        Raises:
            ModelFault: no embedding.
        """
        _, slack = self._prepare(embedding)
        count = min(count, len(self))
        if count < 1:
            return []
        whole = np.concatenate([part for _, part in self._approximate(embedding)])
        last = whole.min() if count == 1 else np.partition(whole, count - 1)[count - 1]
        return self._matches(embedding, np.flatnonzero(whole <= float(last) + 2 * slack), np.inf)[:count]

    def _prepare(self, embedding: NDArray[np.float32]) -> tuple[float, float]:
        """|q|^2, and how far `_approximate` may be from the truth.

        A float32 sum of D products, in whatever order, is off by at most (D + 1) u |x| |q| (Higham, Accuracy and
        Stability, 3.1), u = eps / 2, and 2 |x| |q| <= |x|^2 + |q|^2; the same again for the stored |x|^2, a few
        roundings, and the float32 comparison. 2 (D + 16) eps is more than twice all of that.
        """
        check_embedding(embedding, self._rows.shape[1])
        square = float(np.vecdot(embedding.astype(np.float64), embedding.astype(np.float64)))
        if square > float(np.finfo(np.float32).max) / 4:
            raise ModelFault("the embedding is too large to be one")
        single = np.finfo(np.float32)
        slack = 2 * (len(embedding) + 16) * float(single.eps) * (square + self._largest) + float(single.tiny)
        return square, slack

    def _approximate(self, embedding: NDArray[np.float32]) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """|x|^2 - 2 x.q (float32) of the templates, part by part: the squared distance less |q|^2."""
        for start in range(0, len(self), _ROWS):
            part = np.vecdot(self._rows[start : start + _ROWS], embedding)
            part *= np.float32(-2)
            part += self._squares[start : start + _ROWS]
            yield start, part

    def _matches(self, embedding: NDArray[np.float32], rows: NDArray[np.intp], limit: float) -> list[FaceMatch]:
        exact = distances(self._rows, embedding, rows)
        order = np.lexsort((rows, exact))
        return [FaceMatch(int(rows[i]), float(exact[i])) for i in order if exact[i] <= limit]
