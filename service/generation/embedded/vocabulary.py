"""Warnings about prompts for a model with a small vocabulary: unknown words, lettering and people.

For models whose card lists the words they were trained on. The embedded model generates objects in scenes; asked for
a person or for lettering it generates something else, so the response says so.
"""

import re
from collections.abc import Collection, Iterable

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

_WORD = re.compile(r"[^\W\d_]+")
_QUOTED = re.compile(r"\"[^\"]+\"|“[^”]+”|«[^»]+»|„[^“”]+[“”]")
_NAME = re.compile(r"[A-Z][^\W\d_]+(?:[ \-'][A-Z][^\W\d_]+)+")
"""Two or more capitalised words in a row."""


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
    rest = [word for word in unknown if word not in explained]
    kinds = (
        ("the model cannot generate text", writing),
        ("the model cannot generate people and knows no names", people),
        ("words the model does not know", rest),
    )
    return tuple(f"{what}: {', '.join(which)}" for what, which in kinds if which)


def _words_of(phrases: Iterable[str]) -> set[str]:
    return {word for phrase in phrases for word in _WORD.findall(phrase.lower())}
