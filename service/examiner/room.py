"""How many pixels are examined at once: a decoded image of the largest size takes hundreds of megabytes."""

import contextlib
import threading
from collections.abc import Iterator


class PixelRoom:
    """Room for `pixels` in all. An image larger than that is examined alone. Thread-safe."""

    def __init__(self, pixels: int) -> None:
        self._pixels = pixels
        self._used = 0
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def hold(self, pixels: int) -> Iterator[None]:
        """Hold room for an image inside the `with` block. Waits until others have left enough of it."""
        with self._changed:
            self._changed.wait_for(lambda: not self._used or self._used + pixels <= self._pixels)
            self._used += pixels
        try:
            yield
        finally:
            with self._changed:
                self._used -= pixels
                self._changed.notify_all()
