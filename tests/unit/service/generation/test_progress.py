import pytest

from service.generation import Energy, Progress
from service.generation import progress as module
from service.kit.errors import Cancelled
from tests.support.waiting import Ticks


def test_steps_are_handed_on() -> None:
    steps: list[tuple[int, int]] = []
    Progress(5, on_step=lambda done, total: steps.append((done, total)))(1, 4)
    assert steps == [(1, 4)]


def test_what_is_cancelled_stops_at_the_next_step_and_while_it_waits() -> None:
    progress = Progress(5, cancelled=lambda: True)
    with pytest.raises(Cancelled):
        progress(1, 4)
    with pytest.raises(Cancelled):
        progress.waiting(3)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Ticks:
    ticks = Ticks()
    monkeypatch.setattr(module, "time", ticks)
    return ticks


def test_a_drawing_that_takes_too_long_stops_at_the_next_step(clock: Ticks) -> None:
    progress = Progress(5)
    clock.now += 4.9
    progress(1, 4)
    clock.now += 0.1
    with pytest.raises(TimeoutError):
        progress(1, 4)


def test_the_clock_stands_while_it_waits_and_starts_afresh(clock: Ticks) -> None:
    ahead: list[int] = []
    progress = Progress(5, on_wait=ahead.append)
    clock.now += 3
    progress.waiting(2)
    clock.now += 60
    assert progress.left() == 5
    progress.start()
    clock.now += 1
    assert progress.left() == 4
    progress(1, 4)
    assert ahead == [2]


def test_what_is_spent_adds_up() -> None:
    progress = Progress()
    assert progress.energy is None
    progress.add_energy(Energy(1.0, 0.5, "rapl"))
    progress.add_energy(Energy(2.0, 0.25, "model"))
    assert progress.energy == Energy(3.0, 0.75, "rapl, model")
    progress.add_energy(Energy(1.0, None, "unknown"))
    assert progress.energy == Energy(4.0, None, "unknown")
