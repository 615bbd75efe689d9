"""Work in threads, so many at once."""

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


async def run_limited(turn: asyncio.Semaphore, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run `work` in a thread when a place is free.

    A caller who leaves stops the waiting, not the thread: the place is free again when the work is done, not before.
    """
    await turn.acquire()
    task = asyncio.ensure_future(asyncio.to_thread(work, *args, **kwargs))
    task.add_done_callback(lambda done: _leave(turn, done))
    return await asyncio.shield(task)


def _leave(turn: asyncio.Semaphore, done: "asyncio.Future[T]") -> None:
    turn.release()
    if not done.cancelled():
        done.exception()  # seen, whether anybody still waits for it or not
