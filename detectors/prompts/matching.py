"""Find phrases in a sequence of words, and phrases that occur near each other."""

import itertools
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from detectors.prompts.normalise import Word, collapsed

Phrase = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Occurrence:
    """`phrase` at words[first..last] of a reading, which is original[start:end]."""

    phrase: Phrase
    first: int
    last: int
    start: int
    end: int


Index = Mapping[tuple[str, str], Sequence[Phrase]]
"""Phrases by their first two words; the second is empty for phrases of one word."""


def index(phrases: Iterable[Phrase]) -> Index:
    """Index phrases by their first two words, both as written and collapsed."""
    by_start: defaultdict[tuple[str, str], list[Phrase]] = defaultdict(list)
    for phrase in sorted(phrases):
        seconds = (phrase[1], collapsed(phrase[1])) if len(phrase) > 1 else ("",)
        for start in itertools.product((phrase[0], collapsed(phrase[0])), seconds):
            by_start[start].append(phrase)
    return by_start


def find(indexed: Index, words: Sequence[Word]) -> list[Occurrence]:
    """Every occurrence of an indexed phrase in `words`, in order."""
    found = []
    for first, word in enumerate(words):
        following = {""}.union(*(after.forms for after in words[first + 1 : first + 2]))
        starts = itertools.product(word.forms, following)
        for phrase in sorted({phrase for start in starts for phrase in indexed.get(start, ())}):
            span = words[first : first + len(phrase)]
            if len(span) == len(phrase) and all(w.matches(part) for w, part in zip(span, phrase, strict=True)):
                last = first + len(phrase) - 1
                found.append(Occurrence(phrase, first, last, word.start, span[-1].end))
    return found


def first_window(groups: Sequence[Sequence[Occurrence]], within: int | None) -> tuple[int, int] | None:
    """The (start, end) in the original of the first window of words with an occurrence of every group.

    A window spans at most `within` words (None: any number). Returns None if there is none.
    """
    events = sorted(((o.first, o.last, g, o) for g, group in enumerate(groups) for o in group), key=lambda e: e[:3])
    latest: dict[int, Occurrence] = {}
    for _, _, group, occurrence in events:
        latest[group] = occurrence
        if len(latest) < len(groups):
            continue
        words = max(o.last for o in latest.values()) - min(o.first for o in latest.values()) + 1
        if within is None or words <= within:
            return min(o.start for o in latest.values()), max(o.end for o in latest.values())
    return None
