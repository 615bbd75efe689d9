from dataclasses import replace

import pytest

from detectors.prompts import LEARNED, RuleHit
from service.gateway.prompt_policy import Grounds, grounds, is_answer
from tests.support.prompts import evidence

REFUSES = RuleHit("r", "named_person", "refuse", 0, 1)
NOTES = RuleHit("n", "violence", "note", 0, 1)


def test_a_rule_that_refuses_is_grounds() -> None:
    found = grounds(evidence((NOTES, REFUSES)))
    assert found.categories == ("named_person",)
    assert found.rules == ("r",)


def test_notes_and_the_negative_prompt_are_none() -> None:
    assert grounds(evidence((NOTES,), (REFUSES,))).categories == ()


@pytest.mark.parametrize(("score", "refused"), [(0.8999, ()), (0.9, ("hate",)), (1.0, ("hate",))])
def test_a_score_counts_from_its_limit(score: float, refused: tuple[str, ...]) -> None:
    assert grounds(evidence(hate=score)).categories == refused
    assert grounds(evidence(hate=score)).rules == ()


def test_rules_and_scores_add_up() -> None:
    assert grounds(evidence((REFUSES,), hate=1.0, sexual=1.0)).categories == ("hate", "named_person", "sexual")


@pytest.mark.parametrize("score", [float("nan"), float("inf"), -0.1, 1.1])
@pytest.mark.parametrize("category", LEARNED)
def test_what_is_no_answer(category: str, score: float) -> None:
    assert not is_answer(evidence((), (), **{category: score}))


def test_what_is_an_answer() -> None:
    assert is_answer(evidence())
    assert not is_answer(None)
    assert not is_answer([])


PEOPLE = RuleHit("names.public", "named_person", "refuse", 0, 1)


@pytest.mark.parametrize(
    ("named", "agreed", "refused"),
    [
        ({"ann example"}, (), True),
        ({"ann example"}, ("Ann  EXAMPLE",), False),
        ({"ann example"}, ("Ann",), True),
        ({"ann", "ann example"}, ("Ann",), True),
        ({"ann example", "bob"}, ("Ann Example",), True),
        ({"ann example", "bob"}, ("Ann Example", "Bob"), False),
    ],
)
def test_people_may_be_named_who_all_agreed(named: set[str], agreed: tuple[str, ...], refused: bool) -> None:
    found = replace(evidence((PEOPLE,)), named=frozenset(named))
    assert bool(grounds(found, agreed).categories) is refused


def test_agreement_excuses_nothing_but_a_name() -> None:
    found = replace(evidence((PEOPLE, REFUSES), hate=1.0), named=frozenset({"ann"}))
    assert grounds(found, ["Ann"]) == Grounds(("hate", "named_person"), ("r",))
