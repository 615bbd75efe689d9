"""Languages of a rule file: words of other languages that join its lists (see docs/prompts.md).

One TOML file per language. A rule that names a list finds the words of every language in it, so what is refused in
English is refused in the others, and two languages in one prompt are no way around a rule.
"""

import itertools
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from detectors.prompts.categories import Category
from detectors.prompts.folding import fold
from detectors.prompts.matching import Phrase
from detectors.prompts.normalise import split

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")]
Term = Annotated[str, Field(min_length=1, max_length=100)]

_CLASS = re.compile(r"\{([a-z_]+)\}")
_MAX_FORMS = 2000  # of one term: more is a mistake
_AGE = "age"
_MINOR_AGES = tuple(map(str, range(1, 18)))


class Frozen(BaseModel):
    """A part of a rule file: unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class RuleTest(Frozen):
    """`expect`: exactly the categories that the rules must find in `text`."""

    text: str
    expect: frozenset[Category]


class LanguageFile(Frozen):
    """The words of one language.

    `lists`: words by the name of the list that they join; `@name` stands for the words of another one. `forms`:
    endings (or prefixes) by name; `nackt{adjective}` stands for `nackt` with each of them, `{age}` for the numbers 1
    to 17 and what `forms` has under that name. `ambiguous`: those of the words that are also harmless words of another
    language, such as "kind"; they count only near a word of this language: one of `markers`, one of the lists that is
    not ambiguous, or an ambiguous one of another list ("bébé nu"). `sources`: where the words come from.
    """

    language: str = Field(pattern=r"^[a-z]{2,3}$")
    sources: tuple[str, ...] = Field(min_length=1)
    forms: Mapping[Name, tuple[str, ...]] = {}
    lists: Mapping[Name, tuple[Term, ...]] = Field(min_length=1)
    ambiguous: tuple[Term, ...] = ()
    markers: tuple[Term, ...] = ()
    tests: tuple[RuleTest, ...] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Language:
    """One language, folded: `lists` of phrases, and for each ambiguous phrase of them what it has to be near."""

    code: str
    lists: Mapping[str, frozenset[Phrase]]
    ambiguous: Mapping[Phrase, frozenset[Phrase]]
    tests: tuple[RuleTest, ...]


def parse(data: bytes) -> Language:
    """Raises ValueError (also tomllib's, pydantic's and of the decoding): the file is not valid."""
    file = LanguageFile.model_validate(tomllib.loads(data.decode()))
    lists = {name: _phrases(terms, file) for name, terms in file.lists.items()}
    ambiguous = _phrases(file.ambiguous, file)
    everything = frozenset[Phrase]().union(*lists.values())
    if unknown := ambiguous - everything:
        raise ValueError(f"ambiguous: {' '.join(min(unknown))} is in no list")
    markers = _phrases(file.markers, file)
    context = {
        phrase: markers.union(*(words - ambiguous if phrase in words else words for words in lists.values()))
        for phrase in ambiguous
    }
    return Language(file.language, lists, context, file.tests)


def paths(folder: Path) -> tuple[Path, ...]:
    """The language files of a folder, sorted."""
    return tuple(sorted(folder.glob("*.toml")))


def _phrases(terms: tuple[str, ...], file: LanguageFile) -> frozenset[Phrase]:
    return frozenset(phrase for term in _resolved(terms, file) for phrase in _forms(term, file))


def _resolved(terms: tuple[str, ...], file: LanguageFile) -> Iterator[str]:
    for term in terms:
        if term.startswith("@") and term[1:] not in file.lists:
            raise ValueError(f"there is no list named {term[1:]}")
        yield from file.lists[term[1:]] if term.startswith("@") else (term,)


def _forms(term: str, file: LanguageFile) -> Iterator[Phrase]:
    """Every form of a term. Folding goes character by character, so that the parts can be folded by themselves."""
    parts = _CLASS.split(term)
    texts = [(fold(text).text,) for text in parts[::2]]
    endings = [_endings(name, file) for name in parts[1::2]]
    choices = [*itertools.chain.from_iterable(itertools.zip_longest(texts, endings, fillvalue=("",)))]
    for number, chosen in enumerate(itertools.product(*choices)):
        phrase = split("".join(chosen))
        if not phrase:
            raise ValueError(f"{term}: a term has no letters")
        if number == _MAX_FORMS:
            raise ValueError(f"{term}: more than {_MAX_FORMS} forms")
        yield phrase


def _endings(name: str, file: LanguageFile) -> tuple[str, ...]:
    own = file.forms.get(name, ())
    if not own and name != _AGE:
        raise ValueError(f"there are no forms named {name}")
    return tuple(fold(text).text for text in ((*_MINOR_AGES, *own) if name == _AGE else own))
