"""Work for callers: how much of it is taken on at once, and what becomes of it when one of them leaves."""

import asyncio
import contextlib
import contextvars
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Executor
from typing import Any, TypeVar

from fastapi import Request

from service.kit.errors import Busy

T = TypeVar("T")

_POLL_SECONDS = 0.25
_RETRY_SECONDS = 10


class CapacityLimiter:
    """Takes on so much work at once, and no more. Used by the event loop alone.

    What waits for a thread holds its request, with the pictures sent in, in memory.
    """

    def __init__(self, most: int) -> None:
        self._free = most

    @contextlib.contextmanager
    def takes(self, much: int = 1) -> Iterator[None]:
        """Raises Busy where it is too much."""
        if much > self._free:
            raise Busy("too many orders are on their way already", retry_after=_RETRY_SECONDS)
        self._free -= much
        try:
            yield
        finally:
            self._free += much


async def attended(request: Request, begin: Callable[[threading.Event], Coroutine[Any, Any, T]]) -> T:
    """What `begin(gone)` gives. `gone` is set once the caller of this request has left, and when it is over."""
    gone = threading.Event()
    work = asyncio.ensure_future(begin(gone))
    try:
        while not (await asyncio.wait([work], timeout=_POLL_SECONDS))[0]:
            if await request.is_disconnected():
                gone.set()
        return work.result()
    finally:
        gone.set()


async def in_thread(executor: Executor, work: Callable[[], T]) -> T:
    """`work()` in a thread of `executor`, with the request's id on its log lines."""
    return await asyncio.get_running_loop().run_in_executor(executor, contextvars.copy_context().run, work)
