"""Run work that may hang, and stop waiting for it in time."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Running(Generic[T]):
    """Work that has begun in a thread of its own, whoever comes for the result.

    Python cannot kill a thread: work that hangs goes on in a daemon thread, and its result is dropped.
    """

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._results: list[T] = []
        self._errors: list[BaseException] = []
        self._thread = threading.Thread(target=self._run, daemon=True, name="countermark-deadline")
        self._thread.start()

    def result(self, seconds: float, left: Callable[[], float] | None = None) -> T:
        """What the work gives, or TimeoutError after `seconds` from now. What it raises is raised here.

        `left` says how many of the seconds are left, where not all of the time counts.
        """
        self._thread.join(seconds)
        while left and self._thread.is_alive() and (more := left()) > 0:
            self._thread.join(more)
        if self._errors:
            raise self._errors[0]
        if not self._results:
            raise TimeoutError(f"no answer within {seconds:g} s")
        return self._results[0]

    def _run(self) -> None:
        try:
            self._results.append(self._work())
        except BaseException as error:  # noqa: BLE001 - handed to whoever comes for the result
            self._errors.append(error)


def within(seconds: float, work: Callable[[], T], left: Callable[[], float] | None = None) -> T:
    """`work()`, or TimeoutError after `seconds`; see `Running`."""
    return Running(work).result(seconds, left)
