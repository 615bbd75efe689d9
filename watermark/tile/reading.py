"""What was read from an image: a mark, or only that there seems to be one."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from math import exp
from typing import Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Reading:
    """A decoded mark."""

    mark_id: int
    """In [0, 2**48)."""
    confidence: float
    """In (0, 1]: the share of the soft values that agrees with the decoded word, minus the share that disagrees."""
    payload_version: int
    epoch: int
    """Index of the secret in the keyring: 0 is the newest."""
    scale: float
    """Size of the tile relative to that of an image merely resized: 1 as issued, above 1 cropped, below 1 padded."""
    rotation_degrees: float
    """Counter-clockwise, in (-180, 180]."""
    mirrored: bool
    """Whether left and right were swapped (before the rotation)."""
    stretch: float
    """Change of width over height."""
    _compute_coverage: Callable[[], NDArray[np.float32]] = field(repr=False, compare=False)
    _place: Callable[[tuple[int, int]], list[NDArray[np.float64]]] = field(
        default=lambda issued: [], repr=False, compare=False
    )
    inverted: bool = False
    """Whether the colours were inverted."""
    key: int = 0
    """Index in the epoch's pool of the key that the mark was read with."""

    @cached_property
    def coverage(self) -> NDArray[np.float32]:
        """The share of the mark left, by location: float32[ceil(H / 32), ceil(W / 32)] in [0, 1]. Computed lazily.

        For images more than twice as long as wide, cells outside the centre are NaN: they were not examined.
        """
        return self._compute_coverage()

    def placements(self, issued: tuple[int, int]) -> list[NDArray[np.float64]]:
        """Where the marked image of `issued` (height, width) pixels lies in this one, as far as the mark tells.

        Each is an affine map, float64[2, 3]: from a point (right, down) of the marked image, in shares of its width and
        height, to pixels of this one. Format two gives one or few. Format one repeats, so a part gives many.
        """
        return self._place(issued)


@dataclass(frozen=True, slots=True)
class Presence:
    """How clearly the template of our marks is heard, whether or not a mark can be read."""

    score: float
    """Correlation with the template, in standard deviations of chance."""
    p_value: float
    """Upper bound of the probability that an image without a mark reaches this score, in (0, 1]."""

    @classmethod
    def of(cls, score: float, trials: float) -> Self:
        """Of the best score among `trials` ones; see `chance`."""
        return cls(score, chance(score, trials))


def chance(score: float, trials: float) -> float:
    """Upper bound of the probability that the best of `trials` scores reaches `score` by chance, in (0, 1].

    A score is a sum of the image's components, each under a keyed sign or phase of its own, over the root of the sum of
    their powers. Whatever the image is, it exceeds z with a probability of at most exp(-z**2 / 2): W. Hoeffding,
    "Probability inequalities for sums of bounded random variables", J. Amer. Stat. Assoc. 58, 1963.
    """
    return min(1.0, trials * exp(-score * score / 2)) if score > 0 else 1.0


@dataclass(frozen=True, slots=True)
class Extraction:
    """Everything that was read from one image."""

    readings: tuple[Reading, ...]
    """Of different marks, the clearest of each, in the order in which they were found."""
    presence: Presence | None
    """None if nothing like a template was heard."""
