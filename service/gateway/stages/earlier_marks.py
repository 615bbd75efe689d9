"""Watermarks that a draft carries before it is marked: its input had them, or the model's pipeline embeds its own.

Laws ask to keep the marks that an input already carries, so they are looked for, kept readable as far as possible, and
recorded.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from watermark import Codec, Effort
from watermark.foreign.stock import StockMarks

_STOCK = StockMarks()


@dataclass(frozen=True, slots=True)
class EarlierMark:
    """A watermark that the draft carried. `codec`: who reads it. `name`: its id in hex, or what others call it.
    `kept`: whether it is still read from the finished file."""

    codec: str
    name: str
    kept: bool

    @property
    def warning(self) -> str:
        after = "it can still be read" if self.kept else "it can no longer be read beside the new one"
        return f"marked_before: the image already carried the watermark {self.name} ({self.codec}); {after}"


def earlier_marks(
    codec: Codec, draft: NDArray[np.uint8], finished: NDArray[np.uint8], mark_id: int, *, from_input: bool
) -> tuple[EarlierMark, ...]:
    """Those of `draft`, and whether they are still in `finished` (both uint8[H, W, 3]), which carries `mark_id`.

    `from_input`: the draft may hold parts of an input image, at any place; otherwise it can only carry what a pipeline
    embeds in the whole of it.
    """
    effort = Effort.USUAL if from_input else Effort.ISSUED
    own, stock = codec.read(draft, effort).readings, _STOCK.read(draft)
    after = codec.read(finished, effort, beside={mark_id}).readings if own else ()
    ids = {one.mark_id for one in after}
    names = {one.name for one in _STOCK.read(finished)} if stock else set()
    return (
        *(EarlierMark(Codec.ALGORITHMS[one.payload_version], f"{one.mark_id:012x}", one.mark_id in ids) for one in own),
        *(EarlierMark(_STOCK.name, one.name, one.name in names) for one in stock),
    )
