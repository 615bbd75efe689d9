"""A model on trial: it scores some of the images that the active one scores, beside it, and is in no answer.

It runs in one thread of the lowest priority, on a share of the images, and drops those that would have to wait for
long. Whatever goes wrong with it is logged, and that is all.
"""

import contextlib
import os
import queue
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from detectors import Prepared

log = structlog.get_logger()

_MOST_WAITING = 4  # an image that waits takes a few megabytes
_NICEST = 19
_CLOSE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class CandidateScore:
    """A score in 0..1 by the model `identity`. `verdict`: None for a model that is not calibrated."""

    identity: str
    value: float
    verdict: str | None


Candidate = Callable[[Prepared], CandidateScore]
"""A model on trial: its score of an image. It may raise anything."""


@dataclass(frozen=True, slots=True)
class _Offered:
    prepared: Prepared
    heard: Callable[[CandidateScore], object]


class Shadow:
    """Runs a candidate beside the active model. Thread-safe; nothing that it does raises to its caller."""

    def __init__(
        self,
        name: str,
        open_candidate: Callable[[], Candidate],
        share: float,
        draw: Callable[[], float] = random.random,
    ) -> None:
        """`open_candidate` is called with the first image, in the thread. `share`: of the images, in (0, 1]."""
        self._name = name
        self._open = open_candidate
        self._share = share
        self._draw = draw
        self._queue: queue.Queue[_Offered | None] = queue.Queue(_MOST_WAITING)
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._closed = False

    def offer(self, prepared: Prepared, heard: Callable[[CandidateScore], object]) -> None:
        """Show it an image, or drop that: it sees a share of them, and none has to wait for long.

        `heard` gets the score, later and in another thread.
        """
        if self._closed or self._draw() >= self._share:
            return
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="countermark-shadow", daemon=True)
                self._thread.start()
        with contextlib.suppress(queue.Full):
            self._queue.put_nowait(_Offered(prepared, heard))

    def close(self) -> None:
        """Finish what waits and stop."""
        self._closed = True
        if self._thread and self._thread.is_alive():
            with contextlib.suppress(queue.Full):
                self._queue.put(None, timeout=_CLOSE_SECONDS)
            self._thread.join(_CLOSE_SECONDS)

    def _run(self) -> None:
        _give_way()
        try:
            candidate = self._open()
        except Exception as fault:  # noqa: BLE001 - whatever it is, answers go on without it
            log.error("shadow_not_opened", card=self._name, error=type(fault).__name__, why=str(fault))
            self._closed = True
            return
        while (offered := self._queue.get()) is not None:
            try:
                score = candidate(offered.prepared)
            except Exception as fault:  # noqa: BLE001 - the same
                log.warning("shadow_failed", card=self._name, error=type(fault).__name__)
                continue
            offered.heard(score)


def _give_way() -> None:
    """The lowest priority for this thread, where threads have one of their own (Linux)."""
    with contextlib.suppress(OSError, AttributeError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICEST)
