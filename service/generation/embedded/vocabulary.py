"""Prompts for a model with a small vocabulary: what it does not know, and whether it knows anything of a prompt.

For models whose card lists the words they were trained on. The embedded model generates objects in scenes; asked for
a person or for lettering it generates something else, so the response says so. Asked for nothing that it knows, it
would generate something arbitrary: `check_known` refuses that.
"""

import difflib
import re
import tomllib
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from service.kit.errors import NothingKnown

WRITING = frozenset(
    {
        "alphabet", "caption", "captioned", "font", "handwriting", "headline", "inscription", "label", "lettering",
        "letters", "logo", "poster", "quote", "saying", "says", "sign", "signature", "slogan", "spelling", "spells",
        "text", "title", "typography", "word", "words", "writing", "written",
    }
)  # fmt: skip
PEOPLE = frozenset(
    {
        "actor", "actress", "astronaut", "babies", "baby", "boy", "boys", "bride", "celebrity", "chef", "child",
        "children", "couple", "crowd", "dancer", "doctor", "face", "faces", "farmer", "father", "gentleman", "girl",
        "girls", "groom", "guy", "human", "humans", "kid", "kids", "king", "knight", "man", "men", "mother", "nurse",
        "people", "person", "persons", "pirate", "player", "policeman", "politician", "portrait", "president",
        "prince", "princess", "queen", "selfie", "singer", "soldier", "teacher", "toddler", "wizard", "woman", "women",
    }
)  # fmt: skip

NEAREST = Path(__file__).with_name("nearest.toml")
"""For each word that a model may know, words near it."""

_SHOWN = ("objects", "settings", "times", "weathers", "colours")
_FUNCTION_WORDS = frozenset(
    {
        "a", "against", "among", "an", "and", "are", "at", "background", "bit", "bunch", "by", "colour", "front", "in",
        "is", "it", "near", "of", "on", "pair", "plain", "slice", "the", "there", "to", "under", "while", "with",
    }
)  # fmt: skip
_EXAMPLES = frozenset({"dog", "cat", "fox", "car", "house", "boat", "tree", "apple", "robot", "beach", "city", "snow"})
_LEAST_LETTERS = 5  # shorter words are near too many others
_SIMILARITY = 0.8

_WORD = re.compile(r"[^\W\d_]+")
_QUOTED = re.compile(r"\"[^\"]+\"|“[^”]+”|«[^»]+»|„[^“”]+[“”]")
_NAME = re.compile(r"[A-Z][^\W\d_]+(?:[ \-'][A-Z][^\W\d_]+)+")
"""Two or more capitalised words in a row."""


def shown_words(vocabulary: Mapping[str, Any]) -> frozenset[str]:
    """The words that name something to see: objects, settings, times, weather and colours of a `vocabulary.json`."""
    phrases = [phrase for part in _SHOWN for options in vocabulary.get(part, {}).values() for phrase in options]
    return _words_of(phrases) - _FUNCTION_WORDS


def check_known(prompt: str, shown: frozenset[str]) -> None:
    """Refuse a prompt of which a model knows nothing. `shown`: see `shown_words`; empty: what it knows is unknown.

    Raises:
        NothingKnown: no word of the prompt is in `shown`. Its hint names what the model knows, and nothing of the
            prompt.
    """
    words = dict.fromkeys(_WORD.findall(prompt.lower()))
    if not shown or not shown.isdisjoint(words):
        return
    near = list(dict.fromkeys(filter(None, (nearest(word, shown) for word in words))))
    raise NothingKnown(near or sorted(_EXAMPLES & shown) or sorted(shown)[:12], near=bool(near))


def nearest(word: str, known: Collection[str]) -> str:
    """The word of `known` that is nearest to a lower-case `word`: by meaning, else by spelling; empty if none is."""
    for form in (word, word.removesuffix("s"), word.removesuffix("es")):
        if (found := _by_meaning().get(form, "")) in known:
            return found
    if len(word) < _LEAST_LETTERS:
        return ""
    return next(iter(difflib.get_close_matches(word, sorted(known), 1, _SIMILARITY)), "")


@cache
def _by_meaning() -> Mapping[str, str]:
    table: Mapping[str, Collection[str]] = tomllib.loads(NEAREST.read_text("utf-8"))
    return {word: known for known, words in reversed([*table.items()]) for word in words}


def warnings(prompt: str, known: Collection[str]) -> tuple[str, ...]:
    """One sentence for each kind of thing in `prompt` that a model with the lower-case vocabulary `known` cannot do.

    An empty vocabulary means it is unknown: no warnings.
    """
    if not known:
        return ()
    words = dict.fromkeys(_WORD.findall(prompt.lower()))
    unknown = [word for word in words if word not in known]
    quoted = _QUOTED.findall(prompt)
    writing = [*(word for word in unknown if word in WRITING), *quoted]
    names = [name for name in _NAME.findall(prompt) if any(word in unknown for word in _words_of([name]))]
    people = [*(word for word in unknown if word in PEOPLE), *names]
    explained = _words_of([*writing, *people])
    rest = [_with_nearest(word, known) for word in unknown if word not in explained]
    kinds = (
        ("the model cannot generate text", writing),
        ("the model cannot generate people and knows no names", people),
        ("words the model does not know", rest),
    )
    return tuple(f"{what}: {', '.join(which)}" for what, which in kinds if which)


def _with_nearest(word: str, known: Collection[str]) -> str:
    near = nearest(word, known)
    return f"{word} (nearest: {near})" if near else word


def _words_of(phrases: Iterable[str]) -> frozenset[str]:
    return frozenset(word for phrase in phrases for word in _WORD.findall(phrase.lower()))
