"""Work that hangs for as long as a test lasts, and no longer."""

import threading
from types import TracebackType


class Hang:
    """Called, it does not answer before the `with` block ends; then it answers None.

    `begun` is set once it was called. The time limit only ends a test that forgot the `with`.
    """

    def __init__(self) -> None:
        self.begun = threading.Event()
        self._freed = threading.Event()

    def __call__(self, *_args: object, **_more: object) -> None:
        self.begun.set()
        self._freed.wait(60)

    def __enter__(self) -> "Hang":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._freed.set()
