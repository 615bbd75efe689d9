"""What a prompt asks of a model that knows few words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.generation.embedded.vocabulary import PEOPLE, WRITING, warnings

KNOWN = frozenset({"a", "red", "car", "on", "the", "beach", "of", "with"})


def test_what_it_knows_is_no_warning() -> None:
    assert warnings("a Red Car on the beach, 2", KNOWN) == ()


def test_unknown_words_are_named_once_and_in_order() -> None:
    assert warnings("a zither on the beach, a yurt, a zither", KNOWN) == (
        "words the model does not know: zither, yurt",
    )


@pytest.mark.parametrize("prompt", ['a car with "SALE"', "a car with “SALE”", "a car with «SALE»", "a car with „SALE“"])
def test_quoted_words_are_writing(prompt: str) -> None:
    (said,) = warnings(prompt, KNOWN)
    assert said.startswith("the model cannot generate text: ")
    assert "SALE" in said


def test_words_for_writing_are_writing() -> None:
    assert warnings("a red sign on the beach", KNOWN) == ("the model cannot generate text: sign",)


def test_quoting_what_it_knows_is_still_asking_for_writing() -> None:
    assert warnings('a car with "beach"', KNOWN) == ('the model cannot generate text: "beach"',)


def test_people_are_answered_as_such() -> None:
    assert warnings("a woman on the beach", KNOWN) == ("the model cannot generate people and knows no names: woman",)


def test_a_name_is_answered_whole() -> None:
    assert warnings("a portrait of Marie Curie on the beach", KNOWN) == (
        "the model cannot generate people and knows no names: portrait, Marie Curie",
    )


def test_capitals_alone_make_no_name() -> None:
    assert warnings("A Red Car On The Beach", KNOWN) == ()


def test_each_kind_is_said_for_itself() -> None:
    said = warnings('a man on the beach with "hi" and a yurt', KNOWN)
    assert [one.split(":")[0] for one in said] == [
        "the model cannot generate text",
        "the model cannot generate people and knows no names",
        "words the model does not know",
    ]


def test_nothing_is_said_of_a_model_nothing_is_known_of() -> None:
    assert warnings("a man with a sign", frozenset()) == ()


def test_a_word_it_was_trained_on_is_never_called_undrawable() -> None:
    assert warnings("a king on the beach", KNOWN | {"king"}) == ()


@given(st.text(max_size=80))
def test_any_text_is_read(prompt: str) -> None:
    assert len(warnings(prompt, KNOWN)) <= 3


@given(st.sampled_from(sorted(PEOPLE | WRITING)))
def test_no_word_of_the_lists_goes_unanswered(word: str) -> None:
    (said,) = warnings(f"a {word}", KNOWN)
    assert said.endswith(f": {word}")
