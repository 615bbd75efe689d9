"""What is looked at in an image, in which order, and how long.

First the whole image as if it had at most been resized, then pictures within it in the same way, then the whole under
every pose. A thorough search goes on where nothing was read: pictures whose edges are not exact, tilts and shears, and
windows of the image.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from itertools import product
from math import inf
from typing import Final

import numpy as np
from numpy.typing import NDArray

from watermark.tile.candidates import View
from watermark.tile.canvas import SHORT_SIDE, luma, scaled
from watermark.tile.margins import Box, without_margins
from watermark.tile.panels import panels
from watermark.tile.reader import SEARCH_TRIALS, EpochReader, Heard
from watermark.tile.spectrum import FineSpectrum
from watermark.tile.tilts import TILTS, Tilt

MIN_EXTRACT_SIDE: Final = 48
"""Smallest short side, in pixels, whose pixels can represent the frequency band of the mark."""
MAX_ASPECT: Final = 2
"""Largest aspect ratio that extraction considers; longer images are centre-cropped, which bounds the time."""
_PANELS: Final = 8
_CLEAR_PANELS: Final = 4
_MOST_PANELS: Final = 24
"""Pictures within the image that are looked at: usually, usually with edges that are not exact, and in a thorough
search. Most images have none."""
_WINDOWS: Final = 3
"""Windows of a thorough search along each side; each is half as long."""
_PART_ATTEMPTS: Final = 24
"""Attempts in each window or tilt, for each epoch. All must be confirmed."""


class Effort(StrEnum):
    """How long to look for marks."""

    ISSUED = "issued"
    """As if the image had at most been resized or compressed."""
    FAST = "fast"
    """Turned by up to ten degrees from a quarter turn, nearly the same aspect, the image's own colours."""
    USUAL = "usual"
    """At any angle, with aspects from .45 to 2.2, in negatives, and in pictures within the image with clear edges."""
    THOROUGH = "thorough"
    """Also under tilts and shears, and in windows of the image. Takes twenty times as long where nothing is found."""


@dataclass(frozen=True, slots=True)
class Look:
    """One look at an image, not taken yet."""

    heard: Iterator[Heard]
    trials: float = inf
    """How many independent scores its best template score is the best of, with those of all looks of its kind. Infinite
    for looks whose scores say nothing of the whole image."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Looks that are taken together. The first stage that reads a mark is the last."""

    looks: Iterator[Look]
    further: Iterable[Look] = ()
    """Looks that are worth it once the others read a mark."""


class Looks:
    """All looks at one image (uint8[H, W, 3], any size) with the readers of every epoch."""

    def __init__(self, rgb: NDArray[np.uint8], readers: Sequence[EpochReader]) -> None:
        self._rgb = rgb
        self._readers = readers

    def stages(self, effort: Effort) -> Iterator[Stage]:
        """Those that cost least first."""
        if min(self._rgb.shape[:2]) < MIN_EXTRACT_SIDE:
            return
        yield Stage(self._issued())
        if effort is Effort.ISSUED:
            return
        if effort is not Effort.FAST:
            most = _MOST_PANELS if effort is Effort.THOROUGH else _PANELS
            yield Stage(self._in_panels(most), self._near_panels(most))
            yield Stage(self._near_panels(_CLEAR_PANELS), self._near_panels(most))
        yield Stage(self._searched(fast=effort is Effort.FAST))
        if effort is Effort.THOROUGH:
            yield Stage(self._near_panels(_MOST_PANELS))
            yield from (Stage(self._tilted(tilt)) for tilt in TILTS)
            yield Stage(self._in_windows())

    @cached_property
    def _views(self) -> list[View]:
        """The image, and what is inside its plain margins."""
        views, inside = [view_of(self._rgb)], without_margins(self._rgb)
        if inside is not None and _is_large_enough(inside):
            views.append(view_of(self._rgb, inside))
        return views

    @cached_property
    def _panels(self) -> list[Box]:
        return [box for box in panels(self._rgb, _MOST_PANELS) if _is_large_enough(box)]

    @property
    def _kinds(self) -> int:
        """Looks at the whole image, of the two kinds that there are."""
        return 2 * len(self._views) * len(self._readers)

    def _issued(self) -> Iterator[Look]:
        for view, reader in product(self._views, self._readers):
            yield Look(reader.resized(view), self._kinds * reader.quick_trials)

    def _searched(self, *, fast: bool) -> Iterator[Look]:
        for number, view in enumerate(self._views):
            spectrum = FineSpectrum(view.level, view.pitch)
            for reader in self._readers:
                share = reader.shares(len(self._views))[number]
                yield Look(reader.search(view, spectrum, share, fast=fast), self._kinds * SEARCH_TRIALS)

    def _in_panels(self, most: int) -> Iterator[Look]:
        for box in self._panels[:most]:
            view = view_of(self._rgb, box)
            yield from (Look(reader.resized(view, confirmed=True)) for reader in self._readers)

    def _near_panels(self, most: int) -> Iterator[Look]:
        for box in self._panels[:most]:
            view = view_of(self._rgb, box)
            yield from (Look(reader.nearly_issued(view)) for reader in self._readers)

    def _tilted(self, tilt: Tilt) -> Iterator[Look]:
        for view in self._views:
            for heard in self._parts(tilt.straightened(view)):
                yield Look(_told(heard, tilt, view))

    def _in_windows(self) -> Iterator[Look]:
        for box in _windows(self._rgb.shape):
            if _is_large_enough(box):
                yield from (Look(heard) for heard in self._parts(view_of(self._rgb, box)))

    def _parts(self, view: View) -> Iterator[Iterator[Heard]]:
        """The search in a part of the image, under every epoch."""
        spectrum = FineSpectrum(view.level, view.pitch)
        for reader in self._readers:
            yield reader.search(view, spectrum, _PART_ATTEMPTS, fast=True, confirmed=True)


def _told(heard: Iterator[Heard], tilt: Tilt, view: View) -> Iterator[Heard]:
    """Readings of the straightened view, in the places of the image."""
    for each in heard:
        yield each if each.reading is None else replace(each, reading=tilt.told(each.reading, view))


def _windows(shape: tuple[int, ...]) -> Iterator[Box]:
    """Overlapping windows, each half as high and wide as the image."""
    high, wide = shape[0] // 2, shape[1] // 2
    tops, lefts = (np.linspace(0, shape[axis] - (high, wide)[axis], _WINDOWS).astype(int) for axis in (0, 1))
    for top, left in product(tops.tolist(), lefts.tolist()):
        yield top, left, top + high, left + wide


def _is_large_enough(box: Box) -> bool:
    return min(box[2] - box[0], box[3] - box[1]) >= MIN_EXTRACT_SIDE


def view_of(rgb: NDArray[np.uint8], box: Box | None = None) -> View:
    """Luma of the centre of `rgb` (uint8[H, W, 3]), or of the part of it in `box`.

    Its short side is at most the canonical one, its long side at most `MAX_ASPECT` times the short one.
    """
    top, left, bottom, right = box or (0, 0, rgb.shape[0], rgb.shape[1])
    limit = MAX_ASPECT * min(bottom - top, right - left)
    top, left = top + max(0, bottom - top - limit) // 2, left + max(0, right - left - limit) // 2
    middle = rgb[top : min(top + limit, bottom), left : min(left + limit, right)]
    grey = luma(np.ascontiguousarray(middle))
    canvas = scaled(grey, min(1.0, SHORT_SIDE / min(grey.shape)))
    return View(canvas, (rgb.shape[0], rgb.shape[1]), (middle.shape[0], middle.shape[1]), (top, left))
