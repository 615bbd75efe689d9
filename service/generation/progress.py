"""Progress, cancellation and time limit of one generation."""

import threading
import time
from collections.abc import Callable

from service.generation.backend import OnStep
from service.generation.energy import Energy
from service.kit.errors import Cancelled


class Progress:
    """An OnStep that stops a cancelled generation and limits its time, not counting time in the queue.

    A queue calls `waiting`, `start` and `add_energy`; a backend without a queue only calls it after each step.
    """

    def __init__(
        self,
        seconds: float = float("inf"),
        on_step: OnStep = lambda done, total: None,
        on_wait: Callable[[int], None] = lambda ahead: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        """`seconds`: time limit. `on_wait` is called with the number of images ahead in the queue."""
        self.energy: Energy | None = None
        self._seconds = seconds
        self._on_step = on_step
        self._on_wait = on_wait
        self._cancelled = cancelled
        self._lock = threading.Lock()
        self._since: float | None = time.monotonic()  # None: waiting, the clock is stopped

    def __call__(self, done: int, total: int) -> None:
        """Report a step. Raises Cancelled or TimeoutError to stop the generation."""
        self._stop_if_cancelled("render")
        if self.left() <= 0:
            raise TimeoutError("the generation took too long")
        self._on_step(done, total)

    def waiting(self, ahead: int) -> None:
        """Report that the job is still queued; this resets the clock. Raises Cancelled to leave the queue."""
        with self._lock:
            self._since = None
        self._stop_if_cancelled("wait")
        self._on_wait(ahead)

    def start(self) -> None:
        """Start the clock."""
        with self._lock:
            self._since = time.monotonic()

    def add_energy(self, energy: Energy) -> None:
        """Add to the energy used so far."""
        self.energy = self.energy + energy if self.energy else energy

    def left(self) -> float:
        """Seconds left; all of them while the job is queued."""
        with self._lock:
            return self._seconds if self._since is None else self._seconds - (time.monotonic() - self._since)

    def _stop_if_cancelled(self, stage: str) -> None:
        if self._cancelled():
            raise Cancelled("the caller cancelled the request", stage=stage)
