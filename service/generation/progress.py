"""What a rendering tells while it goes on, and the time that it may take."""

import threading
import time
from collections.abc import Callable

from service.generation.backend import OnStep
from service.generation.energy import Energy
from service.kit.errors import Cancelled


class Progress:
    """An OnStep that stops what is no longer wanted, and counts the seconds of drawing and not those of waiting.

    A queue calls `waiting`, `drawing` and `spent`; a backend without one just calls it after each step.
    """

    def __init__(
        self,
        seconds: float = float("inf"),
        on_step: OnStep = lambda done, total: None,
        on_wait: Callable[[int], None] = lambda ahead: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        """`seconds` of drawing are allowed. `on_wait` is told how many pictures are drawn before this one."""
        self.energy: Energy | None = None
        self._seconds = seconds
        self._on_step = on_step
        self._on_wait = on_wait
        self._cancelled = cancelled
        self._lock = threading.Lock()
        self._since: float | None = time.monotonic()  # None: it waits, and the clock stands

    def __call__(self, done: int, total: int) -> None:
        """A step is done. Raises Cancelled or TimeoutError: stop drawing."""
        self._stop_if_cancelled("render")
        if self.left() <= 0:
            raise TimeoutError("the rendering took too long")
        self._on_step(done, total)

    def waiting(self, ahead: int) -> None:
        """Not drawn yet: the clock stands, and starts afresh. Raises Cancelled: stop waiting."""
        with self._lock:
            self._since = None
        self._stop_if_cancelled("wait")
        self._on_wait(ahead)

    def drawing(self) -> None:
        """The clock runs from now on."""
        with self._lock:
            self._since = time.monotonic()

    def spent(self, energy: Energy) -> None:
        """Drawing has cost this much, beside what it had cost."""
        self.energy = self.energy + energy if self.energy else energy

    def left(self) -> float:
        """Seconds of drawing that are left: all of them, while it waits."""
        with self._lock:
            return self._seconds if self._since is None else self._seconds - (time.monotonic() - self._since)

    def _stop_if_cancelled(self, stage: str) -> None:
        if self._cancelled():
            raise Cancelled("the caller cancelled the request", stage=stage)
