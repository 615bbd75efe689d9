"""How much work is taken on at once, and what happens to it when its caller leaves.

Work runs in threads of a bounded pool and waits there for a free one. A `CapacityLimiter` in front of a pool turns
callers away before too many of them wait, because a waiting request keeps its uploads in memory.
"""

import asyncio
import contextlib
import contextvars
import functools
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Executor
from typing import Any, ParamSpec, TypeVar

from fastapi import Request
from starlette.requests import ClientDisconnect

from service.kit.counts import Counts, LocalCounts
from service.kit.errors import Busy
from service.kit.metrics import IN_PROGRESS

P = ParamSpec("P")
T = TypeVar("T")

_POLL_SECONDS = 0.25
_RETRY_SECONDS = 10


class CapacityLimiter:
    """Admits at most `capacity` units of work at once, in all workers, and never waits. Not thread-safe: use it from
    one event loop."""

    def __init__(
        self, capacity: int, of: str = "orders", hint: str | None = None, counts: Counts | None = None
    ) -> None:
        """`of`, `hint`: what the units are and what the caller may do, for the refusal; counted under `of`."""
        self.capacity = capacity
        self._counts = counts or LocalCounts()
        self._of = of
        self._hint = hint

    @property
    def available(self) -> int:
        """Units that are free now."""
        return self.capacity - self._counts.total(self._of)

    def check(self, units: int = 1) -> None:
        """Raises Busy if fewer than `units` are available."""
        if units > self.available:
            raise Busy(f"too many {self._of} are already in progress", retry_after=_RETRY_SECONDS, hint=self._hint)

    @contextlib.contextmanager
    def reserve(self, units: int = 1) -> Iterator[None]:
        """Hold `units` inside the `with` block. Raises Busy if fewer are available."""
        self.check(units)
        self._counts.add(self._of, units)
        in_progress = IN_PROGRESS.labels(self._of)
        in_progress.inc(units)
        try:
            yield
        finally:
            in_progress.dec(units)
            self._counts.add(self._of, -units)


async def run_in_thread(executor: Executor, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run `work` in a thread of `executor`, with the request's id on its log lines.

    Cancelling the call drops work that still waits. Work that has started runs to its end and keeps its thread.
    """
    call = functools.partial(contextvars.copy_context().run, work, *args, **kwargs)
    return await asyncio.get_running_loop().run_in_executor(executor, call)


async def cancel_on_disconnect(request: Request, start: Callable[[threading.Event], Coroutine[Any, Any, T]]) -> T:
    """Run `start(cancelled)` and return its result.

    `cancelled` is set when the caller disconnects, and in any case when this function returns.
    """
    cancelled = threading.Event()
    task = asyncio.ensure_future(start(cancelled))
    try:
        while not (await asyncio.wait([task], timeout=_POLL_SECONDS))[0]:
            if await request.is_disconnected():
                cancelled.set()
        return task.result()
    finally:
        cancelled.set()


async def drop_on_disconnect(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """Await `work`, which nobody needs any more once the caller has left.

    Raises:
        ClientDisconnect: the caller left. Work that still waits for a thread is dropped.
    """
    task = asyncio.ensure_future(work)
    try:
        while not (await asyncio.wait([task], timeout=_POLL_SECONDS))[0]:
            if await request.is_disconnected():
                raise ClientDisconnect
        return task.result()
    finally:
        task.cancel()
