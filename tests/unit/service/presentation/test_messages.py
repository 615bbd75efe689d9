import string

import pytest

from service.examiner.lanes import LANES
from service.examiner.policy import Outcome, Verdict
from service.examiner.report import CONFLICTS, REASONS
from service.presentation.messages import FROM_CODE, LANGUAGES, catalogue, chosen_language, messages

IN_CODE = {
    *(f"reason.{code}" for code in REASONS),
    *(f"conflict.{code}" for code in CONFLICTS),
    *(f"limit.{lane.__name__}" for lane in LANES if lane.does_not_prove),
}
"""What is declared in English beside the evidence."""

TRANSLATIONS = [language for language in LANGUAGES if language != "en"]


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_a_translation_has_every_text_and_no_other(language: str) -> None:
    own, english = catalogue(language), catalogue("en")  # type: ignore[arg-type]
    assert set(own) == set(english) | IN_CODE
    assert not [key for key in english if key.startswith(FROM_CODE)]


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_a_translation_fills_in_the_same_values(language: str) -> None:
    own, english = catalogue(language), catalogue("en")  # type: ignore[arg-type]
    assert {key: fields(own[key]) for key in english} == {key: fields(text) for key, text in english.items()}


def test_every_verdict_and_outcome_has_plain_words() -> None:
    english = catalogue("en")
    assert {key.split(".")[1].removesuffix("-verified") for key in english if key.startswith("verdict.")} == set(
        Verdict
    )
    assert {key.split(".")[1] for key in english if key.startswith("outcome.")} == set(Outcome)


def test_values_are_filled_in() -> None:
    words = messages("de")
    assert words("examine.working", name="a.png") == "a.png wird geprüft"
    assert words.translated("reason.no_such", "English.") == "English."
    assert words.find("error.no_such.title") is None


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("de-DE,de;q=0.9,en;q=0.8", "de"),
        ("en-GB,de;q=0.5", "en"),
        ("fr,de;q=0.5,en;q=0.7", "en"),
        ("de;q=0", "en"),
        ("de;q=x,*", "en"),
        ("", "en"),
        ("," * 5000 + "de", "en"),
    ],
)
def test_the_preferred_language_that_there_is(accepted: str, language: str) -> None:
    assert chosen_language(None, accepted) == language
