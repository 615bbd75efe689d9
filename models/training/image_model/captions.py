"""Captions for a scene: many phrasings of the same facts, so that word order and synonyms do not matter."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping

from . import vocabulary as words
from .objects import OBJECTS
from .scenes import Scene, Thing
from .weather import HIDES_THE_SKY

_OPEN_ORDER_SHARE = 0.2
"""Share of the captions of "left of" scenes that name both objects without their order."""


def caption(scene: Scene, rng: random.Random) -> str:
    """Sample an English description of `scene` from the templates."""
    place, place_tag = _place(scene, rng)
    time, time_tag = _time(scene, rng)
    weather, weather_tag = _sample(words.WEATHERS, scene.weather, rng), _sample(words.WEATHER_TAGS, scene.weather, rng)
    subject = _subject(scene, rng)
    form = rng.random()
    if not scene.things:
        text = _join(rng.choice([place_tag, _with_article(place_tag)]), time, weather)
    elif form < 0.62:
        text = _join(subject, place, time, weather)
    elif form < 0.7:
        text = _join(subject, weather, time, place)
    elif form < 0.76 and scene.arrangement == "one":
        text = _join(subject, rng.choice(words.VERBS), place, time, weather)
    elif form < 0.82:
        return _fix_articles(f"{_join(place, time, weather)}, {_styled(subject, scene, rng)}")
    elif form < 0.85 and scene.style == words.PLAIN:
        text = _join("there are" if scene.count > 1 else "there is", subject, place, time, weather)
    else:
        text = ", ".join(part for part in (subject, place_tag, time_tag, weather_tag) if part)
    return _fix_articles(_styled(text, scene, rng))


def trained_words() -> list[str]:
    """Every lower-case word that a caption can contain, sorted."""
    phrases = ["a", "an", "there is", "there are", "background", *words.FILLERS, *words.VERBS, *words.TOGETHER]
    for name in OBJECTS:
        nouns = names(name)
        phrases += [*nouns, *(plural(name, noun) for noun in nouns)]
    for table in (
        words.PLACES, words.PLACE_TAGS, words.TIMES, words.TIME_TAGS, words.HIDDEN_SKY_TIMES, words.COLOUR_WORDS,
        words.WEATHERS, words.WEATHER_TAGS, words.STYLES, words.STYLE_TAGS, words.NUMBERS, words.RELATIONS,
    ):  # fmt: skip
        phrases += [phrase for options in table.values() for phrase in options]
    phrases += words.STUDIO_PLACES
    bare = [re.sub(r"\{\w*\}", " ", phrase) for phrase in phrases]
    return sorted({word for phrase in bare for word in re.findall(r"[a-z]+|[0-9]+", phrase)})


def names(kind: str) -> tuple[str, ...]:
    """Our own names for an object, followed by those of CLDR."""
    return OBJECTS[kind].words + words.synonyms()[kind]


def plural(kind: str, noun: str) -> str:
    """The plural of `noun`, a name of `kind`."""
    if noun == OBJECTS[kind].words[0]:
        return OBJECTS[kind].plural_name
    if re.search(r"[^aeiou]y$", noun):
        return f"{noun[:-1]}ies"
    return noun if noun.endswith("s") else f"{noun}es" if re.search(r"(x|ch|sh)$", noun) else f"{noun}s"


def _subject(scene: Scene, rng: random.Random) -> str:
    if not scene.things:
        return ""
    if scene.count > 1:
        return _join(rng.choice(words.NUMBERS[scene.count]), _noun(scene.things[0], rng, several=True))
    phrases = [_with_article(_noun(thing, rng)) for thing in scene.things]
    if len(phrases) == 1:
        return phrases[0]
    options = words.RELATIONS[scene.arrangement]
    if scene.arrangement == "left of" and rng.random() < _OPEN_ORDER_SHARE:
        options = words.TOGETHER
    return rng.choice(options).format(a=phrases[0], b=phrases[1])


def _noun(thing: Thing, rng: random.Random, *, several: bool = False) -> str:
    options = names(thing.kind)
    noun = options[0] if rng.random() < 0.6 else rng.choice(options)
    colour = rng.choice(words.COLOUR_WORDS[thing.colour]) if thing.colour else ""
    filler = rng.choice(words.FILLERS) if rng.random() < 0.12 else ""
    return _join(filler, colour, plural(thing.kind, noun) if several else noun)


def _place(scene: Scene, rng: random.Random) -> tuple[str, str]:
    """The setting as a phrase and as a keyword."""
    if scene.backdrop is not None:
        colour = rng.choice(words.COLOUR_WORDS[scene.backdrop])
        pattern = words.STUDIO_PLACES[0] if rng.random() < 0.4 else rng.choice(words.STUDIO_PLACES)
        return pattern.format(colour), f"{colour} background"
    return rng.choice(words.PLACES[scene.setting]), rng.choice(words.PLACE_TAGS[scene.setting])


def _time(scene: Scene, rng: random.Random) -> tuple[str, str]:
    """The time as a phrase and as a keyword; day is omitted half of the time, studios have no time."""
    if scene.backdrop is not None or (scene.time == "day" and rng.random() < 0.5):
        return "", ""
    if scene.setting == "room" or scene.weather in HIDES_THE_SKY:
        return rng.choice(words.HIDDEN_SKY_TIMES[scene.time]), scene.time
    return rng.choice(words.TIMES[scene.time]), rng.choice(words.TIME_TAGS[scene.time])


def _sample(table: Mapping[str, tuple[str, ...]], name: str, rng: random.Random) -> str:
    return rng.choice(table[name]) if table[name] else ""


def _styled(text: str, scene: Scene, rng: random.Random) -> str:
    """`text` with its style before or after it; the plain style is rarely named."""
    if scene.style == words.PLAIN and rng.random() < 0.85:
        return text
    if rng.random() < 0.7:
        return f"{rng.choice(words.STYLES[scene.style])} {text}"
    return f"{text}, {rng.choice(words.STYLE_TAGS[scene.style])}"


def _with_article(noun: str) -> str:
    return noun if noun.endswith(("grass", "woods", "dunes", "mountains", "indoors")) else f"a {noun}"


def _fix_articles(text: str) -> str:
    return re.sub(r"\ba (?=[aeio]|u(?!fo\b|ni))", "an ", text)


def _join(*parts: str) -> str:
    return " ".join(part for part in parts if part)
