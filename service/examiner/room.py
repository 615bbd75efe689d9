"""How many pixels are examined at once: a decoded image of the largest size takes hundreds of megabytes."""

import contextlib
import threading
from collections import deque
from collections.abc import Iterator
from typing import Final

from service.kit.errors import Busy

PATIENCE: Final = 120.0  # seconds; the largest image takes a few, and no more wait than there are threads


class PixelRoom:
    """Room for `pixels` in all, first come, first served. An image larger than that is examined alone. Thread-safe.

    `patience`: seconds that an image waits at most.
    """

    def __init__(self, pixels: int, patience: float = PATIENCE) -> None:
        self._pixels = pixels
        self._patience = patience
        self._used = 0
        self._line: deque[object] = deque()
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def hold(self, pixels: int) -> Iterator[None]:
        """Hold room for an image inside the `with` block. Waits until those before it have left enough of it.

        Raises:
            Busy: they have not within `patience`.
        """
        self._take(pixels)
        try:
            yield
        finally:
            with self._changed:
                self._used -= pixels
                self._changed.notify_all()

    def _take(self, pixels: int) -> None:
        place = object()
        with self._changed:
            self._line.append(place)
            try:
                # Without a line, small images could keep a large one waiting for ever.
                if not self._changed.wait_for(lambda: self._line[0] is place and self._fits(pixels), self._patience):
                    raise Busy(
                        f"other images were examined for {self._patience:.0f} s, and left no memory for this one",
                        retry_after=10,
                        hint="The image was not examined. Try again after the number of seconds in Retry-After.",
                    )
                self._used += pixels
            finally:
                self._line.remove(place)
                self._changed.notify_all()

    def _fits(self, pixels: int) -> bool:
        return not self._used or self._used + pixels <= self._pixels
