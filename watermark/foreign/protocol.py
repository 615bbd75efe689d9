"""Marks that others put into pictures: what a reader of them looks like, and how one is plugged in.

A reader is any object with the shape of `ForeignCodec`. One of our own is in `stock`; more are found through the entry
point group `countermark.codecs`, so that an operator who has the weights of a neural watermark can read it here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Final, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

GROUP: Final = "countermark.codecs"
"""Entry point group; each entry is called without arguments and gives a `ForeignCodec`."""


class CodecError(Exception):
    """A plugged-in codec cannot be used; the message says which, and why."""


@dataclass(frozen=True, slots=True)
class ForeignReading:
    """Somebody else's mark that was found."""

    name: str
    """Whose mark it is, as a person would say it."""
    payload: str
    """What it says, in hexadecimal or as text."""
    confidence: float
    """In (0, 1]: the share of it that was read right."""
    synthetic: bool = False
    """Whether this mark is put into nothing but what a generator made."""


@runtime_checkable
class ForeignCodec(Protocol):
    """Reads one kind of mark. `read` is called from several threads at once and must not change the picture.

    It must have a presence test: a reader that always returns something calls every photograph marked.
    """

    @property
    def name(self) -> str:
        """Stable, as in a report: `com.adobe.trustmark.P`."""

    def read(self, rgb: NDArray[np.uint8]) -> Sequence[ForeignReading]:
        """The marks in `rgb` (uint8[H, W, 3], any size, read-only); empty when there is none."""


def plugged_in() -> list[ForeignCodec]:
    """Every codec that installed packages offer, by entry point, in the order of their names.

    Raises:
        CodecError: one cannot be loaded, or is no codec. None is skipped: an operator who installed it relies on it.
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
