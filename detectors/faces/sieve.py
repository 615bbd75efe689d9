"""Which of many vectors can be near one: an INT8 estimate with a bound, so that none that is near is left out.

A search among a million vectors is as fast as memory is read. The INT8 copy is a quarter of the float32 vectors; only
those that it cannot exclude are read again.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.int8_matrix import VECTOR_LIMIT, Int8Matrix

_LARGEST = 127
_MOST_DIMENSIONS = 1 << 17  # 2^17 * 127 * 63 fits into 31 bits
_INT32 = np.iinfo(np.int32)
_ROUNDING = 1e-10
"""Far more than what float64 rounds off in any of the sums here, relative to the squares that they are made of."""


@dataclass(frozen=True, slots=True)
class Query:
    """A vector as `step` times whole numbers: `square` is |q|^2, `length` |q|, `error` that of the remainder."""

    whole: NDArray[np.int8]
    step: float
    square: float
    error: float

    @classmethod
    def of(cls, embedding: NDArray[np.float32]) -> "Query":
        """Prepare `embedding` (float32, (D,), finite) once for all sieves that it is searched in."""
        exact = embedding.astype(np.float64)
        whole, step = _rounded(exact, VECTOR_LIMIT)
        error = exact - whole * step
        return cls(whole.astype(np.int8), step, float(np.vecdot(exact, exact)), float(np.linalg.norm(error)))

    @property
    def length(self) -> float:
        return float(np.sqrt(self.square))


class Sieve:
    """Vectors in INT8, x = s k + e with whole k, one s for all of them. Thread-safe.

    With q = t u + r in the same way, |x.q - s t k.u| <= |s k| |r| + |e| |q| (Cauchy-Schwarz), so the squared distance
    |x|^2 + |q|^2 - 2 x.q is known within twice that. `k.u` is exact.
    """

    def __init__(self, rows: NDArray[np.float32]) -> None:
        """`rows`: float32, N x D, finite, N and D at least 1. Raises ModelFault if ONNX Runtime refuses it."""
        exact = rows.astype(np.float64)
        whole, self._step = _rounded(exact, _LARGEST)
        kept = whole * self._step
        self._matrix = Int8Matrix(whole.astype(np.int8))
        self._squares = np.vecdot(exact, exact)
        self._smallest, self._largest = float(self._squares.min()), float(self._squares.max())
        self._length = float(np.sqrt(np.vecdot(kept, kept).max()))
        error = exact - kept
        self._error = float(np.sqrt(np.vecdot(error, error).max()))

    @staticmethod
    def takes(dimensions: int) -> bool:
        """Whether vectors of this length can be searched."""
        return 1 <= dimensions <= _MOST_DIMENSIONS

    def candidates(self, query: Query, limit: float) -> NDArray[np.intp]:
        """The numbers, ascending, of all vectors at most `limit` from a vector of D numbers, and of some more.

        Raises ModelFault.
        """
        slack = 2 * (self._length * query.error + self._error * query.length)
        rounding = _ROUNDING * (self._largest + query.square + limit * limit + slack)
        bound = limit * limit - query.square + slack + rounding
        products, step = self._matrix.products(query.whole), 2 * self._step * query.step
        # The shortest vector's bound holds for all of them and costs one comparison of whole numbers.
        least = (self._smallest - bound) / step if step > 0 else -np.inf
        rows = np.flatnonzero(products >= np.int32(np.clip(np.floor(least), _INT32.min, _INT32.max)))
        return np.asarray(rows[self._squares[rows] - products[rows] * step <= bound])


def _rounded(exact: NDArray[np.float64], most: int) -> tuple[NDArray[np.float64], float]:
    """Whole numbers of -most..most, and the step that they are multiples of; all 0 for zeros."""
    step = float(np.abs(exact).max()) / most
    return (np.rint(exact / step), step) if step > 0 else (np.zeros_like(exact), 0.0)
