"""Undo the usual obfuscation of prompts, and split them into words.

There are two results. The classifier needs one text: `Normalised.text`, whose normalisation is itself. The rules need
every way the prompt can be read ("1girl" is a girl, and so is "g1rl"), so `Normalised.readings` has several, each a
sequence of words. Words that are misspelt, split ("po rn") or joined are found later, by `disguises`, which knows what
is looked for. Not handled: meaning.
"""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from detectors.prompts.folding import Folded, fold, is_invisible, obfuscations
from detectors.prompts.scripts import MARKS, UNSPACED

MAX_CHARACTERS = 2000
"""Longest prompt that can be screened. A longer one is refused, not truncated: its end would go unchecked."""

_LEET = {"0": "o", "3": "e", "4": "a", "5": "s", "7": "t", "8": "b", "@": "a", "$": "s", "€": "e", "£": "l", "+": "t"}
_LEET_I_OR_L = "1!|"
_MAX_AMBIGUOUS = 3

_LETTER = rf"(?:[^\W\d_]|[{MARKS}])"
_LETTER_OR_DIGIT = rf"(?:[^\W_]|[{MARKS}])"
_GAP = rf"(?:(?![{MARKS}])[\W_])"

_PLAIN_WORD = re.compile(rf"[{UNSPACED}]|(?:(?![{UNSPACED}]){_LETTER})+|\d+")
_LEET_WORD = re.compile(rf"(?:{_LETTER_OR_DIGIT}|[@$€£+!|])+")
_STEP_WORD = re.compile(rf"[@$]?{_LETTER_OR_DIGIT}+(?:[@$€£!]{{1,2}}{_LETTER_OR_DIGIT}+)*")
_RUN = re.compile(rf"{_LETTER_OR_DIGIT}+")
_BETWEEN_LETTERS = re.compile(r"(?<=[a-z])[\d@$€£!]{1,2}(?=[a-z])")
_AT_AN_EDGE = re.compile(r"\A\d(?=[a-z]{3,}\Z)|(?<=[a-z]{3})\d\Z")
_LONG_RUN = re.compile(r"([^\W\d_])\1{2,}")
_SPACED = re.compile(rf"(?<!{_LETTER_OR_DIGIT})[^\W\d_]({_GAP}{{1,3}})[^\W_](?:\1[^\W_])+(?!{_LETTER_OR_DIGIT})")


@dataclass(frozen=True, slots=True)
class Word:
    """A word in all its `forms`, at original[start:end]. A form that starts with `~` has repeated letters collapsed."""

    forms: frozenset[str]
    start: int
    end: int

    def matches(self, word: str) -> bool:
        """Whether a form equals `word`, as written or with repeated letters collapsed."""
        return word in self.forms or collapsed(word) in self.forms


@dataclass(frozen=True, slots=True)
class Normalised:
    """`text`: lower-case words separated by single spaces; `flags`: the obfuscations that were undone, sorted."""

    original: str
    text: str
    flags: tuple[str, ...]
    readings: tuple[tuple[Word, ...], ...]


def normalise(original: str) -> Normalised:
    """Undo obfuscation. Raises ValueError beyond `MAX_CHARACTERS` characters."""
    if len(original) > MAX_CHARACTERS:
        raise ValueError(f"a prompt of more than {MAX_CHARACTERS} characters cannot be screened")
    folded = fold(original)
    text = canonical(folded.text)
    flags = tuple(sorted({*obfuscations(original), *_spelling_flags(folded.text)}))
    readings = [plain_words(folded), tuple(_leet_words(folded))]
    if any(map(is_invisible, original)):  # the image model may see two words at an invisible character
        readings.append(plain_words(fold(original, " ")))
    for variant in dict.fromkeys((text, canonical(_SPACED.sub(_join_after_article, folded.text)))):
        readings.append(tuple(Word(_forms(m[0]), 0, len(original)) for m in _PLAIN_WORD.finditer(variant)))
    return Normalised(original, text, flags, tuple(readings))


def canonical(folded: str) -> str:
    """Folded text as words separated by single spaces, without leet, long runs of a letter and spaced letters.

    A step never lengthens the text and only turns digits and signs into letters, so it reaches a fixed point:
    canonical(canonical(x)) == canonical(x).
    """
    text = _SPACED.sub(_join, folded)
    while (simpler := _step(text)) != text:
        text = simpler
    return text


def plain_words(folded: Folded) -> tuple[Word, ...]:
    """Runs of letters and runs of digits: "13yo" and "13 yo" are the same two words. See also `UNSPACED`."""
    return tuple(_word(_forms(m[0]), folded, m) for m in _PLAIN_WORD.finditer(folded.text))


def split(folded: str) -> tuple[str, ...]:
    """The words of a folded text, as in `plain_words`."""
    return tuple(_PLAIN_WORD.findall(folded))


def collapsed(word: str) -> str:
    """The form of `word` used to compare words with long runs of a letter."""
    return "~" + "".join(letter for letter, _ in itertools.groupby(word))


def _leet_words(folded: Folded) -> Iterator[Word]:
    for m in _LEET_WORD.finditer(folded.text):
        if m[0].isalpha():
            yield _word(_forms(m[0]), folded, m)
        elif any(map(str.isalpha, m[0])):
            forms = frozenset().union(*(_forms(spelling) for spelling in _spellings(m[0])))
            yield _word(forms, folded, m)


def _spellings(word: str) -> Iterator[str]:
    """Every reading of a leet word: 1, ! and | are i or l, after the third one only i."""
    plain = "".join(_LEET.get(c, c) for c in word)
    ambiguous = sum(map(plain.count, _LEET_I_OR_L))
    for choice in itertools.product("il", repeat=min(ambiguous, _MAX_AMBIGUOUS)):
        letters = itertools.chain(choice, itertools.repeat("i"))
        yield "".join(next(letters) if c in _LEET_I_OR_L else c for c in plain)
    yield plain.rstrip(_LEET_I_OR_L)  # "p0rn!" ends a sentence


def _word(forms: frozenset[str], folded: Folded, m: re.Match[str]) -> Word:
    return Word(forms, folded.origins[m.start()], folded.origins[m.end() - 1] + 1)


def _forms(word: str) -> frozenset[str]:
    return frozenset({word, collapsed(word)} if _LONG_RUN.search(word) else {word})


def _step(text: str) -> str:
    tokens = (_unleet(m[0]) for m in _STEP_WORD.finditer(text))
    words = [word for token in tokens for word in _RUN.findall(token)]
    return _SPACED.sub(_join, _LONG_RUN.sub(r"\1", " ".join(words)))


def _unleet(token: str) -> str:
    """Replace digits and signs between letters, a leading @ or $, and a single digit before or after 3+ letters."""
    if token[0] in "@$" and len(token) > 1 and token[1].isalpha():
        token = _LEET[token[0]] + token[1:]
    token = _BETWEEN_LETTERS.sub(lambda m: "".join(map(_one_letter, m[0])), token)
    return _AT_AN_EDGE.sub(lambda m: _one_letter(m[0]), token)


def _one_letter(c: str) -> str:
    return "i" if c in _LEET_I_OR_L else _LEET.get(c, c)


def _join(m: re.Match[str]) -> str:
    letters = re.sub(r"[\W_]", "", m[0])
    return letters if 2 * sum(map(str.isalpha, letters)) > len(letters) else m[0]


def _join_after_article(m: re.Match[str]) -> str:
    """Read "a n u d e" as "a nude" instead of "anude"."""
    rest = _SPACED.fullmatch(m[0][1:].lstrip(m[1]))
    return f"{m[0][0]} {_join(rest)}" if rest and m[0][0] in "ai" else m[0]


def _spelling_flags(folded: str) -> Iterator[str]:
    if any(_join(m) != m[0] for m in _SPACED.finditer(folded)):
        yield "spaced_letters"
    if _LONG_RUN.search(folded):
        yield "repeated_letters"
    if any(_unleet(m[0]) != m[0] for m in _STEP_WORD.finditer(folded)):
        yield "leet"
