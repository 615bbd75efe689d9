"""Whether soft values agree with themselves as a message does: the test that finds the offset of format two.

Every code symbol is carried by two components, whose product is positive on average if there is a message. That tells
the right offset from others with less energy than decoding needs. It costs no decoding attempt, and it favours no word
over another, so it does not make a false reading likelier.
"""

import numpy as np
from numpy.typing import NDArray

from watermark.tile.pattern import Layout, Pattern


class Agreement:
    """The test under one layout."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        order = np.argsort(layout.slot, kind="stable")
        self._first, self._second = order[0::2], order[1::2]

    def components(self, pattern: Pattern, message: NDArray[np.complex64]) -> NDArray[np.float32]:
        """`message` (complex64[..., M]) under `pattern`, with its phases and signs undone: float32[..., 2 M]."""
        layout = self._layout
        factors = np.conj(pattern.carrier[layout.message]) * layout.weight[layout.message]
        weighted = np.ascontiguousarray(message * factors, np.complex64)
        return np.asarray(weighted.view(np.float32) * layout.sign, np.float32)

    def score(self, components: NDArray[np.float32]) -> NDArray[np.float32]:
        """The test's value for `components` (float32[..., 2 M]): about standard normal by chance, float32[...]."""
        twice = components[..., self._first] * components[..., self._second]
        return np.asarray(twice.sum(axis=-1) / (np.sqrt(np.square(twice).sum(axis=-1)) + 1e-12), np.float32)

    def soft(self, components: NDArray[np.float32]) -> NDArray[np.float32]:
        """The soft value of each code symbol in `components` (float32[2 M]): float32[code_length]."""
        return components[self._first] + components[self._second]
