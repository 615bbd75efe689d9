"""The queue: in turn, bounded, and nobody pays for what another one did."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from service.generation import Job, OnStep, Progress
from service.generation import queue as module
from service.generation.canvas import Canvas
from service.generation.energy import Meter
from service.generation.model_options import ModelOptions
from service.generation.queue import Queue, batch_key
from service.generation.upscale import Upscaling
from service.kit.errors import Busy, Cancelled
from tests.support.painter import Painter
from tests.support.waiting import until

JOB = Job("a lake", "", 0, 64, 64, 2, 1.0)
BAD = 13


@pytest.fixture(autouse=True)
def _eager(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_POLL_SECONDS", 0.005)


@pytest.fixture
def callers() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(16) as pool:
        yield pool


class Gated(Painter):
    """Draws when `gate` is open; remembers the seeds, call by call. Seed 13 cannot be drawn."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.calls: list[list[int]] = []

    def render(self, job: Job, on_step: OnStep) -> NDArray[np.uint8]:
        return self._draw([job], on_step)[0]

    def _draw(self, jobs: Sequence[Job], on_step: OnStep) -> list[NDArray[np.uint8]]:
        self.calls.append([job.seed for job in jobs])
        on_step(0, 2)
        assert self.gate.wait(10)
        on_step(1, 2)
        if any(job.seed == BAD for job in jobs):
            raise RuntimeError("out of memory")
        return [Painter.render(self, job, lambda done, total: None) for job in jobs]


class Batched(Gated):
    def render_batch(self, jobs: Sequence[Job], on_step: OnStep) -> Sequence[NDArray[np.uint8]]:
        return self._draw(jobs, on_step)


def queue(backend: Painter, length: int = 8, batch_size: int = 1, max_wait: float = 60) -> Queue:
    return Queue(backend, length=length, max_wait=max_wait, batch_size=batch_size, meter=Meter(watts=1.0))


def ask(pool: ThreadPoolExecutor, to: Queue, seed: int, **job: object) -> "Future[NDArray[np.uint8]]":
    """Asks, and comes back when the picture has its place."""
    progress = job.pop("progress", None) or Progress()
    before = len(to._waiting) + to._in_progress
    asked = pool.submit(to.render, replace(JOB, seed=seed, **job), progress)  # type: ignore[arg-type]
    until(lambda: len(to._waiting) + to._in_progress > before or asked.done())
    return asked


def first(pool: ThreadPoolExecutor, to: Queue, backend: Gated) -> "Future[NDArray[np.uint8]]":
    """A picture that is being drawn until the gate opens."""
    asked = ask(pool, to, 0)
    until(lambda: backend.calls)
    return asked


def picture(seed: int) -> NDArray[np.uint8]:
    return Painter().render(replace(JOB, seed=seed), lambda done, total: None)


def test_pictures_are_drawn_in_turn_each_for_its_own_caller(callers: ThreadPoolExecutor) -> None:
    backend = Gated()
    to = queue(backend)
    asked = [first(callers, to, backend), *(ask(callers, to, seed) for seed in range(1, 6))]
    backend.gate.set()
    for seed, one in enumerate(asked):
        assert np.array_equal(one.result(10), picture(seed))
    assert backend.calls == [[seed] for seed in range(6)]


def test_a_full_queue_says_so_and_lets_in_again(callers: ThreadPoolExecutor) -> None:
    backend = Gated()
    to = queue(backend, length=2)
    asked = [first(callers, to, backend), ask(callers, to, 1), ask(callers, to, 2)]
    with pytest.raises(Busy, match="2 images are waiting") as caught:
        to.render(replace(JOB, seed=3), Progress())
    assert (caught.value.status, caught.value.code) == (429, "busy")
    assert caught.value.retry_after == 10  # nothing was drawn yet to tell by
    backend.gate.set()
    assert [one.result(10).shape for one in asked] == [(64, 64, 3)] * 3
    assert to.render(replace(JOB, seed=3), Progress()).shape == (64, 64, 3)
    assert backend.calls == [[0], [1], [2], [3]]


def test_whether_there_is_room_can_be_asked_before(callers: ThreadPoolExecutor) -> None:
    backend = Gated()
    to = queue(backend, length=1)
    behind = Upscaling(Upscaling(to))
    behind.check_room()
    asked = [first(callers, to, backend), ask(callers, to, 1)]
    with pytest.raises(Busy, match="1 images are waiting"):
        behind.check_room()
    backend.gate.set()
    for one in asked:
        one.result(10)
    behind.check_room()
    Upscaling(Painter()).check_room()  # who has no queue always has room


def test_who_was_waited_for_long_enough_is_not_drawn_again(callers: ThreadPoolExecutor) -> None:
    """Their batch fails after they were told that it took too long."""

    class Failing(Batched):
        def render_batch(self, jobs: Sequence[Job], on_step: OnStep) -> list[NDArray[np.uint8]]:
            self.calls.append([job.seed for job in jobs])
            assert self.gate.wait(10)
            raise RuntimeError("out of memory")

    backend = Failing()
    to = queue(backend, batch_size=2)
    late = [callers.submit(to.render, replace(JOB, seed=BAD), Progress(0.1)) for _ in range(2)]
    for one in late:
        with pytest.raises(TimeoutError):
            one.result(10)
    backend.gate.set()
    until(lambda: not to._batch)
    assert backend.calls == [[BAD, BAD]]


def test_retry_after_is_what_the_last_pictures_took(callers: ThreadPoolExecutor) -> None:
    backend = Gated()
    to = queue(backend)
    to._recent.extend([2.0, 4.0])
    first(callers, to, backend)
    ask(callers, to, 1)
    assert to.retry_after() == 6
    backend.gate.set()
    until(lambda: len(to._recent) == 4 and not to._in_progress)
    assert to.retry_after() == 1


def test_a_picture_drawn_again_is_next_and_never_refused(callers: ThreadPoolExecutor) -> None:
    backend = Gated()
    to = queue(backend, length=1)
    asked = [first(callers, to, backend), ask(callers, to, 1), ask(callers, to, 2, steering=1)]
    backend.gate.set()
    for one in asked:
        one.result(10)
    assert backend.calls == [[0], [2], [1]]


def test_who_cancels_leaves_the_queue(callers: ThreadPoolExecutor) -> None:
    backend = Gated()
    to = queue(backend, length=2)
    first(callers, to, backend)
    gone = threading.Event()
    leaves = ask(callers, to, 1, progress=Progress(cancelled=gone.is_set))
    stays = ask(callers, to, 2)
    gone.set()
    with pytest.raises(Cancelled):
        leaves.result(10)
    backend.gate.set()
    stays.result(10)
    assert backend.calls == [[0], [2]]


def test_who_cancels_while_it_is_drawn_stops_the_drawing(callers: ThreadPoolExecutor) -> None:
    backend = Gated()
    to = queue(backend)
    gone = threading.Event()
    leaves = ask(callers, to, 0, progress=Progress(cancelled=gone.is_set))
    until(lambda: backend.calls)
    gone.set()
    backend.gate.set()
    with pytest.raises(Cancelled):
        leaves.result(10)
    assert to.render(replace(JOB, seed=1), Progress()).shape == (64, 64, 3)


def test_who_left_between_turn_and_drawing_is_not_drawn_and_takes_no_room() -> None:
    backend = Gated()
    backend.gate.set()
    to = queue(backend, length=1)
    place = module._QueuedJob(JOB, Progress(), None, abandoned=True)
    to._batch = [place]
    to._render_queued([place])
    assert backend.calls == []
    assert to._in_progress == 0


def test_nothing_of_a_picture_is_kept_once_it_is_drawn() -> None:
    backend = Gated()
    backend.gate.set()
    to = queue(backend)
    to.render(JOB, Progress())
    until(lambda: not to._batch)


def test_waiting_has_an_end_of_its_own(callers: ThreadPoolExecutor) -> None:
    backend = Gated()
    to = queue(backend, max_wait=0.02)
    first(callers, to, backend)
    with pytest.raises(Busy, match=r"longer than 0\.02 s"):
        to.render(replace(JOB, seed=1), Progress())
    assert to._waiting == []
    backend.gate.set()


def test_a_backend_that_hangs_is_not_waited_for(callers: ThreadPoolExecutor) -> None:
    backend = Gated()
    to = queue(backend)
    with pytest.raises(TimeoutError):
        to.render(JOB, Progress(seconds=0.02))
    backend.gate.set()
    assert np.array_equal(to.render(replace(JOB, seed=1), Progress()), picture(1))


def test_waiting_is_not_drawing(callers: ThreadPoolExecutor) -> None:
    backend = Gated()
    to = queue(backend)
    first(callers, to, backend)
    progress = Progress(seconds=5)
    second = ask(callers, to, 1, progress=progress)
    until(lambda: progress._since is None)
    assert progress.left() == 5
    backend.gate.set()
    second.result(10)
    assert progress._since is not None


def test_who_waits_is_told_its_place(callers: ThreadPoolExecutor) -> None:
    backend = Gated()
    to = queue(backend)
    first(callers, to, backend)
    ask(callers, to, 1)
    ahead: list[int] = []
    ask(callers, to, 2, progress=Progress(on_wait=ahead.append))
    until(lambda: 2 in ahead)
    backend.gate.set()
    until(lambda: len(backend.calls) == 3)
    assert ahead == sorted(ahead, reverse=True)


@pytest.mark.parametrize("backend", [Gated(), Batched()])
def test_a_fault_is_its_own_callers_alone(callers: ThreadPoolExecutor, backend: Gated) -> None:
    to = queue(backend, batch_size=4)
    asked = {0: first(callers, to, backend)} | {seed: ask(callers, to, seed) for seed in (1, BAD, 2)}
    backend.gate.set()
    with pytest.raises(RuntimeError, match="memory"):
        asked.pop(BAD).result(10)
    for seed, one in asked.items():
        assert np.array_equal(one.result(10), picture(seed))


def test_alike_pictures_are_drawn_in_one_call(callers: ThreadPoolExecutor) -> None:
    backend = Batched()
    to = queue(backend, batch_size=3)
    spent = [Progress() for _ in range(6)]
    asked = [first(callers, to, backend)]
    for seed in range(1, 6):
        steps = 9 if seed == 2 else 2
        asked.append(ask(callers, to, seed, prompt=f"lake {seed}", steps=steps, progress=spent[seed]))
    backend.gate.set()
    for seed, one in enumerate(asked):
        assert np.array_equal(one.result(10), picture(seed))
    assert backend.calls == [[0], [1, 3, 4], [2], [5]]
    shares = {spent[seed].energy for seed in (1, 3, 4)}
    assert len(shares) == 1
    assert all(one.energy and one.energy.method == "model" for one in spent[1:])


def test_without_a_batch_size_each_is_drawn_singly(callers: ThreadPoolExecutor) -> None:
    backend = Batched()
    to = queue(backend)
    asked = [first(callers, to, backend), ask(callers, to, 1), ask(callers, to, 2)]
    backend.gate.set()
    for one in asked:
        one.result(10)
    assert backend.calls == [[0], [1], [2]]


def test_after_a_failed_batch_the_innocent_are_drawn_singly(callers: ThreadPoolExecutor) -> None:
    backend = Batched()
    to = queue(backend, batch_size=3)
    first(callers, to, backend)
    asked = [ask(callers, to, seed) for seed in (1, BAD, 2)]
    backend.gate.set()
    assert np.array_equal(asked[0].result(10), picture(1))
    assert np.array_equal(asked[2].result(10), picture(2))
    assert backend.calls == [[0], [1, BAD, 2], [1], [BAD], [2]]


@pytest.mark.parametrize("pictures", [0, 1, 3])
def test_a_batch_of_another_number_is_a_fault(callers: ThreadPoolExecutor, pictures: int) -> None:
    class Miscounting(Batched):
        def render_batch(self, jobs: Sequence[Job], on_step: OnStep) -> list[NDArray[np.uint8]]:
            super().render_batch(jobs, on_step)
            return [picture(99)] * pictures

    backend = Miscounting()
    to = queue(backend, batch_size=2)
    first(callers, to, backend)
    asked = [ask(callers, to, 1), ask(callers, to, 2)]
    backend.gate.set()
    for seed, one in enumerate(asked, 1):
        assert np.array_equal(one.result(10), picture(seed))


def test_who_leaves_a_batch_stops_nobody_else(callers: ThreadPoolExecutor) -> None:
    backend = Batched()
    to = queue(backend, batch_size=2)
    first(callers, to, backend)
    gone = threading.Event()
    leaves = ask(callers, to, 1, progress=Progress(cancelled=gone.is_set))
    stays = ask(callers, to, 2)
    backend.gate.set()
    backend.gate.clear()
    until(lambda: len(backend.calls) == 2 or stays.done())
    gone.set()
    backend.gate.set()
    assert np.array_equal(stays.result(10), picture(2))
    with pytest.raises(Cancelled):
        leaves.result(10)
    assert [2] not in backend.calls[2:]


def test_a_batch_that_everybody_left_stops(callers: ThreadPoolExecutor) -> None:
    backend = Batched()
    to = queue(backend, batch_size=2)
    first(callers, to, backend)
    asked = [ask(callers, to, seed, progress=Progress(on_step=stop)) for seed in (1, 2)]
    backend.gate.set()
    for one in asked:
        with pytest.raises(KeyError):
            one.result(10)
    assert len(backend.calls) == 2


def stop(done: int, total: int) -> None:
    raise KeyError(done)


def test_a_thread_without_work_ends_and_another_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_IDLE_SECONDS", 0.01)
    backend = Gated()
    backend.gate.set()
    to = queue(backend)
    to.render(JOB, Progress())
    until(lambda: to._worker is None)
    assert np.array_equal(to.render(replace(JOB, seed=1), lambda done, total: None), picture(1))


@given(
    st.builds(
        Job,
        prompt=st.text(max_size=3),
        negative_prompt=st.sampled_from(["", "fog", "mist"]),
        seed=st.integers(0, 3),
        width=st.sampled_from([64, 128]),
        height=st.sampled_from([64, 128]),
        steps=st.integers(1, 2),
        guidance=st.sampled_from([1.0, 5.0]),
        steering=st.integers(0, 1),
    ),
    st.builds(Job, *(st.just(value) for value in ("x", "", 1, 64, 64, 1, 1.0))),
)
def test_what_can_be_drawn_in_one_call(one: Job, other: Job) -> None:
    same = (one.width, one.height, one.steps, one.guidance) == (64, 64, 1, 1.0)
    expected = same and not one.negative_prompt and not one.steering
    assert (batch_key(one) is not None and batch_key(one) == batch_key(other)) == expected


def test_a_picture_on_a_picture_is_drawn_alone() -> None:
    onto = Canvas(np.zeros((64, 64, 3), np.uint8), None, 0.8)
    assert batch_key(replace(JOB, canvas=onto)) is None


def test_another_scheduler_is_another_call() -> None:
    assert batch_key(replace(JOB, options=ModelOptions(scheduler="ddim"))) != batch_key(JOB)
