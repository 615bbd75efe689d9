import asyncio
import threading
import time

import pytest

from service.api.turns import run_limited


def test_callers_who_leave_free_no_place() -> None:
    busy, most, lock = 0, 0, threading.Lock()

    def work() -> None:
        nonlocal busy, most
        with lock:
            busy += 1
            most = max(most, busy)
        time.sleep(0.02)
        with lock:
            busy -= 1

    async def hasty() -> None:
        turn = asyncio.Semaphore(2)
        for _ in range(6):
            call = asyncio.create_task(run_limited(turn, work))
            await asyncio.sleep(0.005)
            call.cancel()
        await asyncio.gather(run_limited(turn, work), run_limited(turn, work))

    asyncio.run(hasty())
    assert most == 2


def test_results_and_errors_come_back_and_the_place_is_free_again() -> None:
    async def both() -> int:
        turn = asyncio.Semaphore(1)
        with pytest.raises(ZeroDivisionError):
            await run_limited(turn, lambda: 1 // 0)
        return await run_limited(turn, pow, 2, 5)

    assert asyncio.run(both()) == 32
