import numpy as np
import pytest

from detectors.prompts import MAX_CHARACTERS, RuleHit
from models import ModelFault
from service.gateway.content_checks import ContentChecks
from service.kit.errors import Unavailable
from tests.support.gateway import BAD_ANSWERS, raising
from tests.support.painter import Checker, finding
from tests.support.prompts import Screen, evidence

IMAGE = np.zeros((64, 64, 3), np.uint8)


def checks(*checkers: Checker, screen: Screen | None = None) -> ContentChecks:
    return ContentChecks(screen or Screen(), checkers or (Checker(),), 0.5, 5)


def test_a_text_is_refused_for_its_rules_and_scores() -> None:
    hit = RuleHit("minors.x", "sexual_minors", "refuse", 0, 1)
    found = checks(screen=Screen(lambda text: evidence((hit,), hate=0.9))).text("x")
    assert found.refused == {"sexual_minors", "hate"}
    assert (found.scores["sexual_minors"], found.scores["hate"], found.scores["sexual"]) == (1, 0.9, 0.1)


@pytest.mark.parametrize("length", [0, 1, MAX_CHARACTERS, MAX_CHARACTERS + 1, 3 * MAX_CHARACTERS])
def test_all_of_a_long_text_is_read_in_parts_that_overlap(length: int) -> None:
    screen, text = Screen(), "".join(chr(0x4E00 + n) for n in range(length))
    checks(screen=screen).text(text)
    parts = [prompt for prompt, _ in screen.seen]
    assert all(len(part) <= MAX_CHARACTERS for part in parts)
    assert all(any(text[at : at + 100] in part for part in parts) for at in range(0, length, 97))


def test_the_worst_part_counts() -> None:
    screen = Screen(lambda text: evidence(hate=0.95 if "!" in text else 0.2))
    assert checks(screen=screen).text("x" * 5000 + "!").refused == {"hate"}


def test_an_image_is_refused_by_any_checker() -> None:
    found = checks(Checker(), Checker(lambda images: [finding(0.6)])).image(IMAGE)
    assert found.refused == {"nsfw"}
    assert found.scores == {"nsfw": 0.6}
    assert checks().image(IMAGE).refused == frozenset()


@pytest.mark.parametrize("answer", BAD_ANSWERS)
def test_a_check_without_a_usable_answer_is_no_pass(answer: str) -> None:
    with pytest.raises(Unavailable):
        checks(Checker(BAD_ANSWERS[answer])).image(IMAGE)


def test_a_screen_without_a_usable_answer_is_no_pass() -> None:
    for answer in (lambda text: None, lambda text: evidence(hate=float("nan")), raising(ModelFault("broken"))):
        with pytest.raises(Unavailable):
            checks(screen=Screen(answer)).text("x")
