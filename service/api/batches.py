"""Micro-batching: items that arrive while the models are busy are processed together, in one call."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from service.kit.errors import Error

In = TypeVar("In")
Out = TypeVar("Out")


class Batcher(Generic[In, Out]):
    """Collects single items into calls of `work`; an item never waits while no call runs, so there is no delay to tune.

    Not thread-safe: use it from one event loop. At most `at_once` calls run, each in a thread and with at most `most`
    items.
    """

    def __init__(self, work: Callable[[Sequence[In]], Sequence[Out]], most: int, at_once: int = 1) -> None:
        """`work` returns one result for each item, in order."""
        self._work = work
        self._most = most
        self._free = at_once
        self._waiting: list[tuple[In, asyncio.Future[Out]]] = []
        self._running: set[asyncio.Task[None]] = set()  # the loop itself keeps no strong reference to a task

    async def __call__(self, item: In) -> Out:
        """The result for the item. Raises what `work` raises for this item alone."""
        future: asyncio.Future[Out] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        self._start()
        return await future

    def _start(self) -> None:
        while self._free and self._waiting:
            batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
            wanted = [(item, future) for item, future in batch if not future.done()]  # the callers of the others left
            if wanted:
                self._free -= 1
                task = asyncio.get_running_loop().create_task(self._run(wanted))
                self._running.add(task)
                task.add_done_callback(self._running.discard)

    async def _run(self, batch: Sequence[tuple[In, "asyncio.Future[Out]"]]) -> None:
        try:
            await self._settle(batch)
        finally:
            self._free += 1
            self._start()

    async def _settle(self, batch: Sequence[tuple[In, "asyncio.Future[Out]"]]) -> None:
        try:
            results = await asyncio.to_thread(self._work, [item for item, _ in batch])
        except Exception as fault:  # noqa: BLE001 - the waiting callers handle it
            if len(batch) > 1 and isinstance(fault, Error):  # one bad item must not fail the others
                for pair in batch:
                    await self._settle([pair])
                return
            for _, future in batch:
                if not future.done():
                    future.set_exception(fault)
            return
        for (_, future), result in zip(batch, results, strict=True):
            if not future.done():
                future.set_result(result)
