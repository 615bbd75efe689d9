import asyncio
import threading
from collections.abc import Sequence

import pytest

from service.api.batches import Batcher
from service.kit.errors import Unavailable


class Slow:
    """Doubles numbers, in calls that wait for `gate`; remembers the calls."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.calls: list[list[int]] = []
        self.called = threading.Semaphore(0)

    def __call__(self, items: Sequence[int]) -> list[int]:
        self.calls.append(list(items))
        self.called.release()
        assert self.gate.wait(10)
        if 13 in items:
            raise Unavailable("thirteen")
        return [2 * item for item in items]


async def started(slow: Slow, calls: int) -> None:
    while len(slow.calls) < calls:
        assert await asyncio.to_thread(slow.called.acquire, timeout=10)


def test_what_waits_is_judged_together() -> None:
    slow = Slow()

    async def main() -> list[int]:
        batcher = Batcher(slow, most=4)
        first = asyncio.ensure_future(batcher(0))
        await started(slow, 1)
        rest = [asyncio.ensure_future(batcher(item)) for item in range(1, 8)]
        await asyncio.sleep(0)
        slow.gate.set()
        return await asyncio.gather(first, *rest)

    assert asyncio.run(main()) == [0, 2, 4, 6, 8, 10, 12, 14]
    assert slow.calls == [[0], [1, 2, 3, 4], [5, 6, 7]]


def test_a_bad_item_does_not_fail_its_neighbours() -> None:
    slow = Slow()
    slow.gate.set()

    async def main() -> list[object]:
        batcher = Batcher(slow, most=4)
        return await asyncio.gather(*(batcher(item) for item in (1, 13, 2, 13, 3)), return_exceptions=True)

    found = asyncio.run(main())
    assert [found[0], found[2], found[4]] == [2, 4, 6]
    assert all(isinstance(found[index], Unavailable) for index in (1, 3))


def test_a_caller_who_left_is_not_worked_for() -> None:
    slow = Slow()

    async def main() -> int:
        batcher = Batcher(slow, most=4)
        first = asyncio.ensure_future(batcher(0))
        await started(slow, 1)
        second, third = (asyncio.ensure_future(batcher(item)) for item in (1, 2))
        await asyncio.sleep(0)
        second.cancel()
        await asyncio.sleep(0)
        slow.gate.set()
        await first
        return await third

    assert asyncio.run(main()) == 4
    assert slow.calls == [[0], [2]]


def test_a_bug_reaches_its_callers_and_the_next_ones_are_served() -> None:
    broken = True

    def work(items: Sequence[int]) -> list[int]:
        if broken:
            raise ZeroDivisionError
        return list(items)

    async def main() -> int:
        nonlocal broken
        batcher = Batcher(work, most=4)
        with pytest.raises(ZeroDivisionError):
            await batcher(1)
        broken = False
        return await batcher(1)

    assert asyncio.run(main()) == 1
