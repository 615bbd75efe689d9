"""What the reader passes from finding a mark to decoding it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from watermark.tile.canvas import SHORT_SIDE, contrast_weighted
from watermark.tile.pattern import TILE
from watermark.tile.rectification import Rectification


@dataclass(frozen=True)
class View:
    """The part of an image that is read."""

    canvas: NDArray[np.float32]
    """float32[h, w]: luma of the part, short side at most the canonical one."""
    shape: tuple[int, int]
    """(height, width) of the entire image, in pixels."""
    seen: tuple[int, int]
    """(height, width) of the part, in pixels."""
    corner: tuple[int, int]
    """Its first pixel (down, right)."""

    @property
    def pitch(self) -> float:
        """Side of a tile in samples of the canvas, if the image was only resized."""
        return float(min(self.canvas.shape) * TILE / SHORT_SIDE)

    @cached_property
    def negative(self) -> "View":
        """The same in inverted colours."""
        return View(np.float32(255) - self.canvas, self.shape, self.seen, self.corner)

    @cached_property
    def level(self) -> NDArray[np.float32]:
        """The canvas as the search reads it: float32[h, w], even in strength, busy areas weighted down."""
        return contrast_weighted(self.canvas)


@dataclass(frozen=True, slots=True)
class Candidate:
    """Soft values that may be a message, and where they were read. Decoding it is one attempt."""

    view: View
    """What it was read from; the negative, if the colours were inverted."""
    inverted: bool
    key: int
    """Index in the pool of the key that it was read with."""
    version: int
    """Of the payload, which names the format."""
    pose: NDArray[np.float64]
    """float64[4], as a row of `Poses`."""
    plane: Rectification
    """The tiles that it was read from."""
    offset: tuple[int, int] | None
    """Row and column of the plane's first tile in the marked image, modulo `PERIOD`; None if any is possible."""
    soft: NDArray[np.float32]
    """float32[code_length], positive for zero."""
    expected: Callable[[NDArray[np.float32]], NDArray[np.float32]]
    """The mark that a code word (float32[code_length]) would be on the canvas: float32[h, w], before masking."""
    doubtful: bool = False
    """Whether what it decodes to must be confirmed."""
