import threading
import time

import pytest

from service.deadline import within


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
    with pytest.raises(TimeoutError):
        within(0.01, lambda: time.sleep(0.1))
