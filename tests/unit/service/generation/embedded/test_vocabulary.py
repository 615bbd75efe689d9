"""What a prompt asks of a model that knows few words."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.generation.embedded.vocabulary import (
    NEAREST,
    PEOPLE,
    WRITING,
    check_known,
    nearest,
    shown_words,
    warnings,
)
from service.kit.errors import NothingKnown

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


VOCABULARY = {
    "objects": {"sailboat": ["sailboat", "boat"], "dog": ["dog"], "grapes": ["bunch of grapes"]},
    "settings": {"beach": ["beach", "on a beach"], "studio": ["on a <colour> background"]},
    "colours": {"red": ["red"]},
    "styles": {"plain": ["a picture of"]},
    "words": ["a", "boat"],
}
SHOWN = shown_words(VOCABULARY)


def test_words_that_show_something_are_objects_places_times_weather_and_colours() -> None:
    assert {"sailboat", "boat", "dog", "grapes", "beach", "red"} == SHOWN


@pytest.mark.parametrize("prompt", ["a dog", "RED, something", "sushi on a beach", "x dog"])
def test_one_word_that_shows_something_is_enough(prompt: str) -> None:
    check_known(prompt, SHOWN)


@pytest.mark.parametrize(
    "prompt", ["a picture of a quasar", "sushi", "狐狸在雪地里", "🦊❄️", "the a of on", "dogs", "..."]
)
def test_a_prompt_of_nothing_known_is_refused_and_not_repeated(prompt: str) -> None:
    with pytest.raises(NothingKnown) as caught:
        check_known(prompt, SHOWN)
    assert (caught.value.code, caught.value.param, caught.value.status) == ("nothing_known", "prompt", 400)
    for word in ("quasar", "sushi", "狐狸在雪地里"):
        assert word not in caught.value.message + caught.value.hint


def test_the_refusal_names_what_is_near() -> None:
    with pytest.raises(NothingKnown, match="knows nothing") as caught:
        check_known("two kayaks and a wolf", SHOWN)
    assert "nearest it knows: sailboat, dog." in caught.value.hint
    with pytest.raises(NothingKnown) as caught:
        check_known("quantum", SHOWN)
    assert "words such as beach, boat, dog." in caught.value.hint


def test_a_model_nothing_is_known_of_refuses_nothing() -> None:
    check_known("sushi", frozenset())


@pytest.mark.parametrize(
    ("word", "near"),
    [
        ("kayak", "sailboat"),
        ("kayaks", "sailboat"),
        ("wolf", "dog"),
        ("sailbote", "sailboat"),
        ("dgo", ""),
        ("tax", ""),
    ],
)
def test_the_nearest_word_is_one_of_meaning_else_of_spelling(word: str, near: str) -> None:
    assert nearest(word, SHOWN) == near


def test_warnings_name_the_nearest_word() -> None:
    assert warnings("a kayak and a quasar on a beach", {"a", "and", "on", "beach", "sailboat"}) == (
        "words the model does not know: kayak (nearest: sailboat), quasar",
    )


def test_every_word_of_the_table_has_neighbours_and_none_is_its_own() -> None:
    table = tomllib.loads(NEAREST.read_text())
    assert all(words and word not in words for word, words in table.items())
