"""Third-party watermarks: the interface of a codec, and how to plug one in.

A codec is any object with the shape of `ForeignCodec`. `stock` has one; more are found through the entry point group
`countermark.codecs`, so that an operator who has the weights of a neural watermark can read it here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Final, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

GROUP: Final = "countermark.codecs"
"""Entry point group; each entry is called without arguments and returns a `ForeignCodec`."""


class CodecError(Exception):
    """A plug-in codec cannot be used; the message says which one and why."""


@dataclass(frozen=True, slots=True)
class ForeignReading:
    """A third-party watermark that was found."""

    name: str
    """Its name, for people: "Stable Diffusion XL's stock mark"."""
    payload: str
    """Its payload, in hexadecimal or as text."""
    confidence: float
    """In (0, 1]: the share of its bits that match."""
    synthetic: bool = False
    """Whether only generators embed this watermark."""


@runtime_checkable
class ForeignCodec(Protocol):
    """Reads one kind of watermark. `read` is called from several threads at once and must not change the image.

    It must have a presence test: a codec that always returns a reading calls every photograph watermarked.
    """

    @property
    def name(self) -> str:
        """Stable; shown in reports: `com.adobe.trustmark.P`."""

    def read(self, rgb: NDArray[np.uint8]) -> Sequence[ForeignReading]:
        """The watermarks in `rgb` (uint8[H, W, 3], any size, read-only); empty if there is none."""


def plugged_in() -> list[ForeignCodec]:
    """Every codec that installed packages offer, in the order of their entry points' names.

    Raises:
        CodecError: one cannot be loaded, or is not a codec. None is skipped: whoever installed it relies on it.
    """
    found: list[ForeignCodec] = []
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        try:
            codec = entry.load()()
        except Exception as broken:
            raise CodecError(f"the codec {entry.name} ({entry.value}) cannot be loaded: {broken!r}") from broken
        if not isinstance(codec, ForeignCodec) or not isinstance(codec.name, str):
            raise CodecError(f"the codec {entry.name} ({entry.value}) has no name and read(rgb); see docs/watermark.md")
        found.append(codec)
    return found
