"""Run work that may hang, and stop waiting for it in time."""

import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def within(seconds: float, work: Callable[[], T], left: Callable[[], float] | None = None) -> T:
    """`work()`, or TimeoutError after `seconds`. What `work` raises is raised here.

    `left` says how many of the seconds are left, where not all of the time counts.

    Python cannot kill a thread: work that hangs goes on in a daemon thread, and its result is dropped.
    """
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:  # noqa: BLE001 - handed to the caller, who waits for it
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True, name="countermark-deadline")
    thread.start()
    thread.join(seconds)
    while left and thread.is_alive() and (more := left()) > 0:
        thread.join(more)
    if errors:
        raise errors[0]
    if not results:
        raise TimeoutError(f"no answer within {seconds:g} s")
    return results[0]
