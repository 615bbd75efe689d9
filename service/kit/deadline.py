"""Run work that may hang, with a time limit on the wait."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Running(Generic[T]):
    """Work that runs in its own thread; any caller may wait for its result.

    Python cannot kill a thread: work that hangs stays behind in a daemon thread, and its result is dropped.
    """

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._results: list[T] = []
        self._errors: list[BaseException] = []
        self._thread = threading.Thread(target=self._run, daemon=True, name="countermark-deadline")
        self._thread.start()

    def result(self, seconds: float, left: Callable[[], float] | None = None) -> T:
        """Wait up to `seconds` for the result.

        `left` returns how many seconds remain, where some of the time (such as queueing) does not count.

        Raises:
            TimeoutError: the work did not finish in time.
            BaseException: whatever the work raised.
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
        except BaseException as error:  # noqa: BLE001 - raised again in `result`
            self._errors.append(error)


def within(seconds: float, work: Callable[[], T], left: Callable[[], float] | None = None) -> T:
    """Return `work()`, or raise TimeoutError after `seconds`; see `Running.result`."""
    return Running(work).result(seconds, left)
