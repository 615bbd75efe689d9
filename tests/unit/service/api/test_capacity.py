import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import structlog
from fastapi import Request
from starlette.requests import ClientDisconnect

from service.api.capacity import CapacityLimiter, cancel_on_disconnect, drop_on_disconnect, run_in_thread
from service.kit.errors import Busy


def test_units_are_reserved_and_given_back() -> None:
    limiter = CapacityLimiter(3)
    with limiter.reserve(2):
        assert limiter.available == 1
        with limiter.reserve():
            assert limiter.available == 0
    assert limiter.available == 3


def test_more_than_is_available_is_busy_and_reserves_nothing() -> None:
    limiter = CapacityLimiter(3)
    with limiter.reserve(2), pytest.raises(Busy) as busy, limiter.reserve(2):
        raise AssertionError("reserved")
    assert busy.value.retry_after > 0
    assert limiter.available == 3


def test_a_failure_gives_the_units_back() -> None:
    limiter = CapacityLimiter(1)
    with pytest.raises(ZeroDivisionError), limiter.reserve():
        _ = 1 // 0
    assert limiter.available == 1


def test_callers_who_leave_free_no_thread() -> None:
    busy, most, lock = 0, 0, threading.Lock()
    started, gate = threading.Semaphore(0), threading.Event()

    def work() -> None:
        nonlocal busy, most
        with lock:
            busy += 1
            most = max(most, busy)
        started.release()
        assert gate.wait(10)
        with lock:
            busy -= 1

    async def hasty(threads: ThreadPoolExecutor) -> None:
        calls = [asyncio.create_task(run_in_thread(threads, work)) for _ in range(6)]
        for _ in range(2):
            assert await asyncio.to_thread(started.acquire, timeout=10)
        for call in calls:
            call.cancel()
        later = [asyncio.create_task(run_in_thread(threads, work)) for _ in range(2)]
        await asyncio.sleep(0)  # they are submitted while both threads are taken
        gate.set()
        await asyncio.gather(*later)

    with ThreadPoolExecutor(2) as threads:
        asyncio.run(hasty(threads))
    assert most == 2


def test_work_whose_caller_left_before_it_started_is_dropped() -> None:
    gate = threading.Event()
    done: list[str] = []

    async def main(threads: ThreadPoolExecutor) -> None:
        first = asyncio.create_task(run_in_thread(threads, gate.wait, 10))
        second = asyncio.create_task(run_in_thread(threads, done.append, "second"))
        await asyncio.sleep(0)
        second.cancel()
        await asyncio.sleep(0)
        gate.set()
        await first
        await run_in_thread(threads, done.append, "third")

    with ThreadPoolExecutor(1) as threads:
        asyncio.run(main(threads))
    assert done == ["third"]


def test_results_and_errors_come_back_and_the_thread_is_free_again() -> None:
    async def both(threads: ThreadPoolExecutor) -> int:
        with pytest.raises(ZeroDivisionError):
            await run_in_thread(threads, lambda: 1 // 0)
        return await run_in_thread(threads, pow, 2, 5)

    with ThreadPoolExecutor(1) as threads:
        assert asyncio.run(both(threads)) == 32


def test_a_thread_knows_the_request_id() -> None:
    async def main(threads: ThreadPoolExecutor) -> dict[str, object]:
        with structlog.contextvars.bound_contextvars(request_id="r1"):
            return await run_in_thread(threads, structlog.contextvars.get_contextvars)

    with ThreadPoolExecutor(1) as threads:
        assert asyncio.run(main(threads)) == {"request_id": "r1"}


class Caller(Request):
    """A request whose caller leaves after `questions` questions whether it is there."""

    def __init__(self, questions: int) -> None:
        super().__init__({"type": "http"})
        self._questions = questions

    async def is_disconnected(self) -> bool:
        self._questions -= 1
        return self._questions < 0


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.api.capacity._POLL_SECONDS", 0.001)


@pytest.mark.usefixtures("_impatient")
def test_work_hears_that_its_caller_left() -> None:
    async def start(cancelled: threading.Event) -> bool:
        return await asyncio.to_thread(cancelled.wait, 10)

    assert asyncio.run(cancel_on_disconnect(Caller(2), start))


def test_what_work_raises_comes_back_and_ends_what_it_started() -> None:
    seen: list[threading.Event] = []

    async def start(cancelled: threading.Event) -> None:
        seen.append(cancelled)
        raise Busy("full", retry_after=1)

    with pytest.raises(Busy):
        asyncio.run(cancel_on_disconnect(Caller(10), start))
    assert seen[0].is_set()


def test_the_refusal_says_what_there_is_too_much_of() -> None:
    with pytest.raises(Busy, match="too many uploads") as busy:
        CapacityLimiter(1, of="uploads", hint="Wait.").check(2)
    assert busy.value.hint == "Wait."
    with pytest.raises(Busy, match="too many orders") as busy:
        CapacityLimiter(0).check()
    assert "Nothing was generated" in busy.value.hint


@pytest.mark.usefixtures("_impatient")
def test_work_that_nobody_waits_for_is_dropped() -> None:
    dropped: list[bool] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            dropped.append(True)

    with pytest.raises(ClientDisconnect):
        asyncio.run(drop_on_disconnect(Caller(2), work()))
    assert dropped == [True]


@pytest.mark.usefixtures("_impatient")
def test_work_that_somebody_waits_for_is_not() -> None:
    async def work() -> int:
        await asyncio.sleep(0.01)
        return 5

    assert asyncio.run(drop_on_disconnect(Caller(10**6), work())) == 5
