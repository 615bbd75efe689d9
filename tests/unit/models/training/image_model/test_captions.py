"""Captions say the facts of a scene, all words of them are known, and no word for another fact slips in."""

import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.training.image_model.captions import caption, names, plural, trained_words
from models.training.image_model.objects import OBJECTS
from models.training.image_model.scenes import Scene, Thing, sample
from models.training.image_model.vocabulary import COLOUR_WORDS, STYLE_TAGS, STYLES, WEATHER_TAGS, WEATHERS, synonyms

WORDS = set(trained_words())


def captions(scene: Scene, count: int = 60) -> list[str]:
    rng = random.Random(0)
    return [caption(scene, rng) for _ in range(count)]


@given(st.integers(0, 2**32))
def test_every_word_of_a_caption_is_listed(seed: int) -> None:
    rng = random.Random(seed)
    assert set(re.findall(r"[a-z]+|[0-9]+", caption(sample(rng), rng))) <= WORDS


@given(st.integers(0, 2**32))
def test_articles_fit(seed: int) -> None:
    rng = random.Random(seed)
    text = caption(sample(rng), rng)
    assert not re.search(r"\ban? an?\b|\ba [aeio]|\ban [^aeiou8]|  |[{}]", text)


def test_every_object_is_called_by_all_its_names() -> None:
    scene = Scene((Thing("dinosaur"),), "one", "meadow")
    text = " | ".join(captions(scene, 400))
    assert all(name in text for name in (*OBJECTS["dinosaur"].words, *synonyms()["dinosaur"]))


def test_no_name_belongs_to_two_objects() -> None:
    owners: dict[str, str] = {}
    for kind in OBJECTS:
        for name in names(kind):
            assert owners.setdefault(name, kind) == kind, name


def test_a_colour_is_always_said() -> None:
    assert all("red" in text for text in captions(Scene((Thing("car", "red"),), "one", "beach")))


@pytest.mark.parametrize(("arrangement", "said"), [("two", r"\b(two|2|pair)\b"), ("three", r"\b(three|3)\b")])
def test_a_count_is_always_said_in_the_plural(arrangement: str, said: str) -> None:
    for text in captions(Scene((Thing("mouse"),), arrangement, "room")):
        assert re.search(said, text)
        assert "mice" in text


@pytest.mark.parametrize("style", [style for style in STYLES if style != "plain"])
def test_a_style_is_always_said(style: str) -> None:
    options = [*(phrase.removeprefix("a ").removesuffix(" of") for phrase in STYLES[style]), *STYLE_TAGS[style]]
    for text in captions(Scene((Thing("car"),), "one", "beach", style=style)):
        assert any(option in text for option in options), text


@pytest.mark.parametrize("weather", [weather for weather in WEATHERS if weather != "clear"])
def test_weather_is_always_said(weather: str) -> None:
    options = [*WEATHERS[weather], *WEATHER_TAGS[weather]]
    for text in captions(Scene((Thing("car"),), "one", "beach", weather=weather)):
        assert any(option in text for option in options), text


def test_hidden_skies_show_no_sun_and_no_stars() -> None:
    for time in ("day", "night"):
        scene = Scene((Thing("car"),), "one", "city", time=time, weather="rain")
        assert not any(re.search("sun|star|moon|bright", text) for text in captions(scene))


@pytest.mark.parametrize("arrangement", ["left of", "on", "behind"])
def test_a_relation_names_both(arrangement: str) -> None:
    scene = Scene((Thing("fox"), Thing("book", "blue")), arrangement, "meadow")
    assert all("fox" in text and "blue" in text for text in captions(scene))


def test_left_and_right_are_told_from_the_first() -> None:
    scene = Scene((Thing("fox"), Thing("bus")), "left of", "meadow")
    for text in captions(scene):
        if " left of" in text and "fox" in text:
            assert text.index("fox") < text.index("left of")


@pytest.mark.parametrize(
    ("kind", "noun", "several"),
    [("mouse", "mouse", "mice"), ("dog", "puppy", "puppies"), ("fox", "fox", "foxes"), ("horse", "pony", "ponies")],
)
def test_plurals(kind: str, noun: str, several: str) -> None:
    assert plural(kind, noun) == several


def test_colours_are_no_names_of_objects() -> None:
    colours = {word for options in COLOUR_WORDS.values() for word in options}
    assert not colours & {name for kind in OBJECTS for name in names(kind)}
