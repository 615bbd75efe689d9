import threading
from collections.abc import Callable

import numpy as np
import pytest

from detectors import Prepared
from service.examiner.shadow import CandidateScore, Shadow

IMAGE = Prepared(np.zeros((8, 8, 3), np.uint8), (), ())
SCORE = CandidateScore("next@1", 0.5, None)


def shadow(candidate: Callable[[Prepared], CandidateScore], share: float = 1.0, draw: float = 0.0) -> Shadow:
    return Shadow("next", lambda: candidate, share, lambda: draw)


def test_the_score_is_heard_in_another_thread() -> None:
    heard: list[tuple[CandidateScore, int]] = []
    trial = shadow(lambda _: SCORE)
    trial.offer(IMAGE, lambda score: heard.append((score, threading.get_ident())))
    trial.close()
    ((score, thread),) = heard
    assert score == SCORE
    assert thread != threading.get_ident()


@pytest.mark.parametrize(("draw", "seen"), [(0.24, 1), (0.25, 0)])
def test_it_sees_its_share(draw: float, seen: int) -> None:
    heard: list[CandidateScore] = []
    trial = shadow(lambda _: SCORE, share=0.25, draw=draw)
    trial.offer(IMAGE, heard.append)
    trial.close()
    assert len(heard) == seen


def test_a_candidate_that_fails_fails_for_itself() -> None:
    heard: list[CandidateScore] = []

    def candidate(prepared: Prepared) -> CandidateScore:
        if prepared.out_of_scope:
            raise ZeroDivisionError
        return SCORE

    trial = shadow(candidate)
    trial.offer(Prepared(IMAGE.working, ("too_small",), ()), heard.append)
    trial.offer(IMAGE, heard.append)
    trial.close()
    assert heard == [SCORE]


def test_a_candidate_that_does_not_open_is_off() -> None:
    def broken() -> Callable[[Prepared], CandidateScore]:
        raise RuntimeError("no such card")

    trial = Shadow("next", broken, 1.0)
    trial.offer(IMAGE, lambda score: pytest.fail("no model"))
    trial.close()
    trial.offer(IMAGE, lambda score: pytest.fail("no model"))


def test_what_would_wait_for_long_is_dropped() -> None:
    go = threading.Event()
    heard: list[CandidateScore] = []

    def slow(prepared: Prepared) -> CandidateScore:
        go.wait(5)
        return SCORE

    trial = shadow(slow)
    for _ in range(50):
        trial.offer(IMAGE, heard.append)
    go.set()
    trial.close()
    assert 1 <= len(heard) <= 5


def test_nothing_is_taken_after_the_end() -> None:
    trial = shadow(lambda _: SCORE)
    trial.close()
    trial.offer(IMAGE, lambda score: pytest.fail("closed"))
