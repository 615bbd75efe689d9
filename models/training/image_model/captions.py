"""Captions for a scene: many phrasings of the same few facts, so that word order and synonyms do not matter."""

from __future__ import annotations

import random
import re

from . import vocabulary as words
from .scenes import Scene


def caption(scene: Scene, rng: random.Random) -> str:
    """One English description of `scene`, drawn at random from the templates."""
    place, place_tag = _place(scene, rng)
    time, time_tag = _time(scene, rng)
    if scene.kind is None:
        return _join(_empty_subject(scene, rng, place), time)
    noun = _noun(scene, rng)
    subject = _with_article(noun)
    style = rng.random()
    if style < 0.55:
        text = _join(subject, place, time)
    elif style < 0.68:
        text = _join(rng.choice(words.PREFIXES), subject, place, time)
    elif style < 0.76:
        text = _join(subject, rng.choice(words.VERBS), place, time)
    elif style < 0.82:
        text = f"{_join(place, time)}, {subject}"
    elif style < 0.87:
        text = _join("there is", subject, place, time)
    elif style < 0.95:
        text = ", ".join(part for part in (noun, place_tag, time_tag) if part)
    else:
        text = _join(subject, time) if scene.setting != "studio" else _join(noun, place)
    return text


def trained_words() -> list[str]:
    """Every lower-case word that a caption can contain, sorted."""
    phrases = ["a", "an", "there is", "background", *words.FILLERS, *words.PREFIXES, *words.VERBS]
    phrases += [word for kind in words.OBJECTS.values() for word in kind.words]
    for table in (words.PLACES, words.PLACE_TAGS, words.TIMES, words.TIME_TAGS, words.COLOUR_WORDS):
        phrases += [phrase for options in table.values() for phrase in options]
    phrases += [phrase.replace("{}", " ") for phrase in words.STUDIO_PLACES]
    return sorted({word for phrase in phrases for word in re.findall(r"[a-z0-9]+", phrase)})


def _noun(scene: Scene, rng: random.Random) -> str:
    assert scene.kind is not None
    options = words.OBJECTS[scene.kind].words
    noun = options[0] if rng.random() < 0.6 else rng.choice(options)
    colour = rng.choice(words.COLOUR_WORDS[scene.colour]) if scene.colour else ""
    filler = rng.choice(words.FILLERS) if rng.random() < 0.15 else ""
    return _join(filler, colour, noun)


def _place(scene: Scene, rng: random.Random) -> tuple[str, str]:
    """The place as a phrase and as a bare keyword."""
    if scene.setting == "studio":
        assert scene.backdrop is not None
        colour = rng.choice(words.COLOUR_WORDS[scene.backdrop])
        pattern = words.STUDIO_PLACES[0] if rng.random() < 0.4 else rng.choice(words.STUDIO_PLACES)
        return _fix_article(pattern.format(colour)), f"{colour} background"
    return rng.choice(words.PLACES[scene.setting]), rng.choice(words.PLACE_TAGS[scene.setting])


def _time(scene: Scene, rng: random.Random) -> tuple[str, str]:
    """The time as a phrase and as a keyword; daylight goes unsaid half of the time, studios have none."""
    if scene.setting == "studio" or (scene.time == "day" and rng.random() < 0.5):
        return "", ""
    return rng.choice(words.TIMES[scene.time]), rng.choice(words.TIME_TAGS[scene.time])


def _empty_subject(scene: Scene, rng: random.Random, place: str) -> str:
    tag = rng.choice(words.PLACE_TAGS[scene.setting]) if scene.setting != "studio" else ""
    return rng.choice([tag, _with_article(tag)]) if tag else place.split(" ", 1)[1]


def _with_article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def _fix_article(phrase: str) -> str:
    return re.sub(r"\ba (?=[aeiou])", "an ", phrase)


def _join(*parts: str) -> str:
    return " ".join(part for part in parts if part)
