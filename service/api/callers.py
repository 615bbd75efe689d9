"""Work for a caller who may leave before it is done."""

import asyncio
import contextvars
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Any, TypeVar

from fastapi import Request

T = TypeVar("T")

_POLL_SECONDS = 0.25


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
