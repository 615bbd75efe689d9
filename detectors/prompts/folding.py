"""Fold characters to what a reader sees, one by one, keeping each one's position in the original."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from detectors.prompts.confusables import CONFUSABLES
from detectors.prompts.scripts import VARIANTS

# Invisible but not in category Cf: joiner, Hangul fillers, Khmer and Mongolian marks, the Braille blank, variation
# selectors.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\uffa0\ufe00-\ufe0f\U000e0000-\U000e0fff]"
)

# Combining marks of Latin, Greek and Cyrillic letters, Hebrew and Arabic points and the Arabic line that stretches a
# word, nuktas of Indian scripts. The vowel signs of other scripts are not removed: their readers see them as letters.
_ACCENT = re.compile(
    "[\u0300-\u036f\u0483-\u0489\u0591-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06ed"
    "\u093c\u09bc\u0a3c\u0abc\u0b3c\u0cbc"
    "\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
)

_LETTER_NAMES = re.compile(
    "(?:LATIN LETTER SMALL CAPITAL|REGIONAL INDICATOR SYMBOL LETTER|"
    "NEGATIVE (?:SQUARED|CIRCLED) LATIN CAPITAL LETTER) ([A-Z])"
)


@dataclass(frozen=True, slots=True)
class Folded:
    """`text`, and for each of its characters the index of its origin."""

    text: str
    origins: tuple[int, ...]


def fold(text: str, gap: str = "") -> Folded:
    """Fold `text` character by character; invisible characters become `gap`."""
    if text.isascii() and text.isprintable():  # most words, and thousands of them are folded at each start
        return Folded(text.lower(), tuple(range(len(text))))
    parts = [fold_char(c) or (gap if is_invisible(c) else "") for c in text]
    return Folded("".join(parts), tuple(at for at, part in enumerate(parts) for _ in part))


@lru_cache(maxsize=1 << 14)
def fold_char(c: str) -> str:
    """NFKD, strip accents, map look-alikes and variants of a letter to one, case-fold; until nothing changes.

    Invisible characters are removed; control characters and white space become a space, digits of any script ASCII.
    """
    if is_invisible(c):
        return ""
    if c.isspace() or unicodedata.category(c) == "Cc":
        return " "
    folded = "".join(_letter(part) for part in unicodedata.normalize("NFKD", c) if not _ACCENT.match(part))
    return folded if folded == c else "".join(map(fold_char, folded))


def is_invisible(c: str) -> bool:
    """Whether `c` has no width on screen: zero-width characters, bidirectional controls, tags, variation selectors."""
    return unicodedata.category(c) == "Cf" or _INVISIBLE.match(c) is not None


def is_blank(text: str) -> bool:
    """Whether a reader sees nothing of `text`: white space, invisible characters and accents of nothing."""
    return not fold(text).text.strip()


def has_words(text: str) -> bool:
    """Whether there is a letter or a digit of any script in `text`; emoji and signs are none."""
    return any(map(str.isalnum, fold(text).text))


def obfuscations(text: str) -> Iterator[str]:
    """Flags for obfuscated characters in `text`: zero_width or mixed_script within a word, look_alikes."""
    marked = "".join("\0" if is_invisible(c) else c for c in text)
    if re.search(r"\w\0+\w", marked):
        yield "zero_width"
    visible = marked.replace("\0", "")
    scripts = [{_script(c) for c in word} for word in re.findall(r"[^\W\d_]+", visible)]
    if any("LATIN" in found and found & {"CYRILLIC", "GREEK"} for found in scripts):
        yield "mixed_script"
    if any(_is_look_alike(c) for c in visible):
        yield "look_alikes"


def _letter(c: str) -> str:
    if c in CONFUSABLES:
        return CONFUSABLES[c]
    if c in VARIANTS:
        return VARIANTS[c]
    if (digit := unicodedata.decimal(c, None)) is not None:
        return str(digit)
    named = _LETTER_NAMES.fullmatch(unicodedata.name(c, ""))
    return named[1].lower() if named else c.casefold()


def _is_look_alike(c: str) -> bool:
    """Whether `c` looks like an ASCII letter but is not one, even without its accent."""
    return c.isalpha() and not unicodedata.normalize("NFD", c)[0].isascii() and fold_char(c).isascii()


def _script(c: str) -> str:
    """The first word of the character's name, such as LATIN, CYRILLIC or GREEK."""
    return unicodedata.name(c, "").partition(" ")[0]
