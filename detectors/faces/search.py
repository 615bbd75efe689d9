"""One face against many templates. The search is exact, because a template that is missed is a silent bypass.

Every squared distance is estimated within a known error: from INT8 copies (`Sieve`), a quarter of the bytes to read, or
from a float32 product where there are few templates. Templates that the bound cannot exclude are compared again by
`distances`, in float64. The result equals brute force, to the bit.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.faces.comparison import check_embedding, distances
from detectors.faces.sieve import Query, Sieve
from models import ModelFault

_ROWS = 16384  # estimates of one part stay in the cache between the passes over them
_LEAST_SIEVED = 4096  # below, all of it stays in the cache
_EPS, _TINY = float(np.finfo(np.float32).eps), float(np.finfo(np.float32).tiny)
_LARGEST_SQUARE = float(np.finfo(np.float32).max) / 4


@dataclass(frozen=True, slots=True)
class FaceMatch:
    """Template number `index` lies at `distance` (as `compare` gives it)."""

    index: int
    distance: float


class Templates:
    """An immutable set of embeddings, numbered from 0, to search. Safe to share between threads."""

    def __init__(self, embeddings: NDArray[np.float32]) -> None:
        """Copy `embeddings` (float32, N x D; N may be 0).

        Raises:
            ModelFault: another dtype or shape, not finite, or too large to be squared.
        """
        if embeddings.dtype != np.float32 or embeddings.ndim != 2 or not embeddings.shape[1]:
            raise ModelFault(f"templates must be float32, N x D, not {embeddings.dtype} of shape {embeddings.shape}")
        self._rows = np.array(embeddings, order="C", copy=True)
        self._rows.setflags(write=False)
        self._squares = np.vecdot(self._rows, self._rows)
        if not np.isfinite(self._squares).all():  # NaN compares as "not within": a bypass
            raise ModelFault("a template is not finite, or too large to be an embedding")
        self._largest = float(self._squares.max(initial=0.0))
        many = len(self._rows) >= _LEAST_SIEVED and Sieve.takes(self._rows.shape[1])
        parts = range(0, len(self._rows), _ROWS) if many else ()
        self._sieves = tuple((start, Sieve(self._rows[start : start + _ROWS])) for start in parts)

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def rows(self) -> NDArray[np.float32]:
        """The embeddings: float32, N x D, read-only."""
        return self._rows

    def within(self, embedding: NDArray[np.float32], limit: float) -> list[FaceMatch]:
        """Every template at most `limit` from `embedding` (float32, (D,)), nearest first, ties by index.

        Raises:
            ModelFault: `embedding` is no embedding, or `limit` is negative or not finite.
        """
        return _ordered(*self.matches(embedding, limit))

    def matches(self, embedding: NDArray[np.float32], limit: float) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """As `within`, but by index: the indices, ascending, and the distances."""
        if not 0 <= limit < np.inf:
            raise ModelFault(f"the limit must be a finite distance of 0 or more, not {limit}")
        rows = np.concatenate([np.empty(0, np.intp), *self._candidates(embedding, limit)])
        if not rows.size:
            return rows, np.empty(0, np.float64)
        exact = distances(self._rows, embedding, rows)
        return rows[exact <= limit], exact[exact <= limit]

    def _candidates(self, embedding: NDArray[np.float32], limit: float) -> Iterator[NDArray[np.intp]]:
        """The indices that may be within the limit, part by part. Raises ModelFault if `embedding` is no embedding."""
        square, slack = self._prepare(embedding)
        if self._sieves:
            query = Query.of(embedding)
            yield from (start + sieve.candidates(query, limit) for start, sieve in self._sieves)
            return
        bound = limit**2 - square + slack
        yield from (start + np.flatnonzero(part <= bound) for start, part in self._estimates(embedding))

    def nearest(self, embedding: NDArray[np.float32], count: int = 1) -> list[FaceMatch]:
        """The `count` nearest templates (fewer where there are fewer), nearest first, ties by index.

        Raises:
            ModelFault: `embedding` is no embedding.
        """
        _, slack = self._prepare(embedding)
        count = min(count, len(self))
        if count < 1:
            return []
        whole = np.concatenate([part for _, part in self._estimates(embedding)])
        last = whole.min() if count == 1 else np.partition(whole, count - 1)[count - 1]
        rows = np.flatnonzero(whole <= float(last) + 2 * slack)
        return _ordered(rows, distances(self._rows, embedding, rows))[:count]

    def _prepare(self, embedding: NDArray[np.float32]) -> tuple[float, float]:
        """|q|^2, and how far `_estimates` may be from the truth.

        A float32 sum of D products, in whatever order, is off by at most (D + 1) u |x| |q| (Higham, Accuracy and
        Stability, 3.1), u = eps / 2, and 2 |x| |q| <= |x|^2 + |q|^2; the same again for the stored |x|^2, a few
        roundings, and the float32 comparison. 2 (D + 16) eps is more than twice all of that. What underflows is off
        by less than the smallest normal number, product by product.
        """
        check_embedding(embedding, self._rows.shape[1])
        square = float(np.vecdot(embedding.astype(np.float64), embedding.astype(np.float64)))
        if square > _LARGEST_SQUARE:
            raise ModelFault("the embedding is too large to be one")
        terms = len(embedding) + 16
        return square, 2 * terms * (_EPS * (square + self._largest) + _TINY)

    def _estimates(self, embedding: NDArray[np.float32]) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """|x|^2 - 2 x.q (float32) of the templates, part by part: the squared distance less |q|^2."""
        doubled = embedding * np.float32(-2)  # exact: a power of two
        for start in range(0, len(self), _ROWS):
            part = self._rows[start : start + _ROWS] @ doubled
            part += self._squares[start : start + _ROWS]
            yield start, part


def _ordered(rows: NDArray[np.intp], exact: NDArray[np.float64]) -> list[FaceMatch]:
    """Matches by distance; `rows` ascend, so a stable sort orders ties by index."""
    return [FaceMatch(int(rows[i]), float(exact[i])) for i in np.argsort(exact, kind="stable")]
