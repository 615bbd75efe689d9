import threading

import pytest

from service.kit.deadline import Running, within
from tests.support.hanging import Hang


def test_an_answer_in_time() -> None:
    assert within(5, lambda: 42) == 42
    assert within(5, lambda: None) is None


def test_no_answer_in_time() -> None:
    stop = threading.Event()
    with pytest.raises(TimeoutError, match=r"0\.05 s"):
        within(0.05, lambda: stop.wait(5))
    stop.set()


@pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt(), SystemExit(3)])
def test_errors_come_through(error: BaseException) -> None:
    def fail() -> None:
        raise error

    with pytest.raises(type(error)):
        within(5, fail)


def test_a_late_answer_is_dropped() -> None:
    with Hang() as hang, pytest.raises(TimeoutError):
        within(0.01, hang)


def test_work_begins_before_anybody_asks_for_its_result() -> None:
    begun = threading.Event()
    running = Running(begun.set)
    assert begun.wait(5)
    assert running.result(5) is running.result(5) is None


def test_an_error_waits_for_whoever_asks() -> None:
    running = Running(lambda: 1 // 0)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            running.result(5)


def test_a_result_may_be_asked_for_again_after_it_was_late() -> None:
    stop = threading.Event()
    running = Running(lambda: stop.wait(5))
    with pytest.raises(TimeoutError):
        running.result(0.01)
    stop.set()
    assert running.result(5)
