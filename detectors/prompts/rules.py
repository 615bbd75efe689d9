"""Rule files: words and phrases in TOML that are looked up in every reading of a prompt (see docs/prompts.md).

They have no regular expressions: the cost is one dictionary look-up per word, whatever the file and the prompt. Words
of other languages are in files of their own (see `languages`).
"""

import hashlib
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from detectors.prompts import languages
from detectors.prompts.categories import Category
from detectors.prompts.folding import fold
from detectors.prompts.languages import Frozen, Language, Name, RuleTest, Term
from detectors.prompts.matching import Occurrence, Phrase, find, first_window, index
from detectors.prompts.normalise import Normalised, Word, normalise, split
from detectors.prompts.spelling import Spelling, english

DEFAULT_RULES = Path(__file__).parent / "default.toml"

NAMES = "names."
"""Prefix of the ids of rules for lists of people; other rules may not use it."""

_MAX_BYTES = 1 << 20
_CONTEXT = 4  # words between an ambiguous word and the one that tells its language
_Severity = Literal["refuse", "note"]


class RuleFileError(Exception):
    """A rule file is not valid; the message says which, where and why."""


class _Rule(Frozen):
    """One term of each group in `all` must occur, all within `within` words. `@name` refers to a list."""

    id: Name
    category: Category
    all: tuple[Annotated[tuple[Term, ...], Field(min_length=1)], ...] = Field(min_length=1, max_length=4)
    within: int | None = Field(None, ge=1)
    unless: tuple[Term, ...] = ()
    severity: _Severity = "refuse"


class _File(Frozen):
    """`languages`: a folder beside the file, with a file for each further language.

    `disguised`: lists whose words are found misspelt, reversed, split and joined, too; `not_disguised`: words that
    are none of those.
    """

    languages: str = ""
    disguised: tuple[Name, ...] = ()
    not_disguised: tuple[Term, ...] = ()
    lists: Mapping[Name, tuple[Term, ...]] = {}
    names: Mapping[Name, tuple[Term, ...]] = {}
    rules: tuple[_Rule, ...] = ()
    tests: tuple[RuleTest, ...] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class RuleHit:
    """A matching rule: original[start:end] is the match (the entire prompt for spaced letters)."""

    rule: str
    category: Category
    severity: _Severity
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Compiled:
    rule: _Rule
    groups: tuple[frozenset[Phrase], ...]
    unless: frozenset[Phrase]


class PromptRules:
    """The rules of one file, checked with the tests in that file. Immutable and thread-safe."""

    def __init__(self, path: Path) -> None:
        """Read and validate a rule file and its languages, and run their tests.

        Raises:
            RuleFileError: a file cannot be read or is malformed, or a test fails.
        """
        data = _read(path)
        self.path = path
        file = _parse(path, data)
        spoken = {one: _read(one) for one in _language_files(path, file)}
        self.digest = hashlib.sha256(b"".join((data, *spoken.values()))).hexdigest()
        lists = _Lists(path, file, tuple(_language(one, text) for one, text in spoken.items()))
        self.languages = tuple(language.code for language in lists.languages)
        self._rules = tuple(_compile(rule, file, lists) for rule in (*file.rules, *_named(file)))
        if len({compiled.rule.id for compiled in self._rules}) < len(self._rules):
            raise RuleFileError(f"{path}: two rules have the same id")
        self._context = lists.context()
        self._index = index(_everything(self._rules).union(*self._context.values()))
        self._spelling = lists.spelling(self._context)
        self._names = frozenset(_phrase(text) for texts in file.names.values() for text in texts)
        self._run_tests(path, file.tests)
        for (where, _), language in zip(spoken.items(), lists.languages, strict=True):
            self._run_tests(where, language.tests)
        self.tests = len(file.tests) + sum(len(language.tests) for language in lists.languages)

    def hits(self, prompt: Normalised) -> tuple[RuleHit, ...]:
        """Every rule that matches some reading of the prompt, once each, in the order of the file."""
        found = [_in_context(self._found(reading), self._context) for reading in prompt.readings]
        spans = [(c.rule, next((s for o in found if (s := _span(c, o))), None)) for c in self._rules]
        return tuple(RuleHit(rule.id, rule.category, rule.severity, *span) for rule, span in spans if span)

    def _found(self, reading: Sequence[Word]) -> list[Occurrence]:
        found = find(self._index, reading)
        return [*found, *self._spelling.occurrences(reading)] if self._spelling else found

    def named(self, prompt: Normalised) -> frozenset[str]:
        """Every listed name in some reading of the prompt, normalised by `name_key`."""
        found = {o.phrase for reading in prompt.readings for o in find(self._index, reading)}
        return frozenset(" ".join(phrase) for phrase in found & self._names)

    def _run_tests(self, path: Path, tests: Sequence[RuleTest]) -> None:
        failures = []
        for number, test in enumerate(tests, 1):
            found = {hit.category for hit in self.hits(normalise(test.text))}
            if found != test.expect:
                failures.append(f"test {number} expects {_listed(test.expect)} and finds {_listed(found)}")
        if failures:
            raise RuleFileError(f"{path}: {len(failures)} of {len(tests)} tests fail: {'; '.join(failures)}")


@cache
def shipped_rules() -> PromptRules:
    """The shipped rules, read and tested once."""
    return PromptRules(DEFAULT_RULES)


@dataclass(frozen=True, slots=True)
class _Lists:
    """The lists of a file, in every language."""

    path: Path
    file: _File
    languages: tuple[Language, ...]

    def __post_init__(self) -> None:
        for language in self.languages:
            if unknown := language.lists.keys() - self.file.lists.keys():
                raise RuleFileError(f"{self.path}: {language.code}: there is no list named {min(unknown)}")

    def phrases(self, name: str) -> frozenset[Phrase] | None:
        """The phrases of a list; None if there is no such list."""
        if name not in self.file.lists:
            return None
        own = (_phrase(text) for text in self.file.lists[name])
        return frozenset(own).union(*(language.lists.get(name, ()) for language in self.languages))

    def context(self) -> dict[Phrase, frozenset[Phrase]]:
        """What each ambiguous phrase has to be near. One that is a plain word of another language is not in it."""
        own = {_phrase(text) for texts in self.file.lists.values() for text in texts}
        plain = own.union(*(p - set(one.ambiguous) for one in self.languages for p in one.lists.values()))
        context: dict[Phrase, frozenset[Phrase]] = {}
        for language in self.languages:
            for phrase in language.ambiguous.keys() - plain:
                context[phrase] = context.get(phrase, frozenset()) | language.ambiguous[phrase]
        return context

    def spelling(self, context: Mapping[Phrase, frozenset[Phrase]]) -> Spelling | None:
        """The words of the `disguised` lists. Ambiguous ones are left out: a misspelt one would be anything."""
        if not self.file.disguised:
            return None
        if unknown := set(self.file.disguised) - self.file.lists.keys():
            raise RuleFileError(f"{self.path}: disguised: there is no list named {min(unknown)}")
        own = {_phrase(text) for name in self.file.disguised for text in self.file.lists[name]}
        every = frozenset[Phrase]().union(*(self.phrases(name) or () for name in self.file.disguised))
        own_words, foreign = _single(own), _single(every - own - context.keys())
        return Spelling(own_words, foreign, english(), [_phrase(text)[0] for text in self.file.not_disguised])


def _single(phrases: Iterable[Phrase]) -> list[str]:
    return [phrase[0] for phrase in phrases if len(phrase) == 1 and phrase[0].isalpha()]


def _everything(rules: Sequence[_Compiled]) -> set[Phrase]:
    return {phrase for c in rules for group in (*c.groups, c.unless) for phrase in group}


def _in_context(found: list[Occurrence], context: Mapping[Phrase, frozenset[Phrase]]) -> list[Occurrence]:
    """Without the ambiguous words whose language no word near them tells."""

    def counts(one: Occurrence) -> bool:
        near = context.get(one.phrase)
        return near is None or any(
            other.phrase in near and max(other.first - one.last, one.first - other.last) <= _CONTEXT + 1
            for other in found
        )

    return [one for one in found if counts(one)]


def _span(compiled: _Compiled, occurrences: Sequence[Occurrence]) -> tuple[int, int] | None:
    """Where the rule matches among the occurrences in one reading."""
    exempt = [o for o in occurrences if o.phrase in compiled.unless]
    counted = [o for o in occurrences if not any(e.first <= o.first and o.last <= e.last for e in exempt)]
    groups = [[o for o in counted if o.phrase in group] for group in compiled.groups]
    return first_window(groups, compiled.rule.within)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except OSError as gone:
        raise RuleFileError(f"{path} cannot be read: {gone.strerror}") from gone
    if len(data) > _MAX_BYTES:
        raise RuleFileError(f"{path} is larger than {_MAX_BYTES} bytes")
    return data


def _parse(path: Path, data: bytes) -> _File:
    try:
        return _File.model_validate(tomllib.loads(data.decode()))
    except UnicodeDecodeError as binary:
        raise RuleFileError(f"{path} is not UTF-8 text") from binary
    except tomllib.TOMLDecodeError as malformed:
        raise RuleFileError(f"{path} is not TOML: {malformed}") from malformed
    except ValidationError as wrong:
        fault = wrong.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in fault["loc"])
        raise RuleFileError(f"{path}: {where}: {fault['msg']}") from None


def _language_files(path: Path, file: _File) -> tuple[Path, ...]:
    if not file.languages:
        return ()
    folder = path.parent / file.languages
    if not (found := languages.paths(folder)):
        raise RuleFileError(f"{path}: there is no language file (*.toml) in {folder}")
    return found


def _language(path: Path, data: bytes) -> Language:
    try:
        return languages.parse(data)
    except ValidationError as wrong:
        fault = wrong.errors(include_input=False, include_url=False)[0]
        raise RuleFileError(f"{path}: {'.'.join(map(str, fault['loc']))}: {fault['msg']}") from None
    except ValueError as malformed:
        raise RuleFileError(f"{path}: {malformed}") from malformed


def _named(file: _File) -> list[_Rule]:
    return [_Rule(id=f"{NAMES}{name}", category="named_person", all=(people,)) for name, people in file.names.items()]


def _compile(rule: _Rule, file: _File, lists: _Lists) -> _Compiled:
    path = lists.path
    if rule.id.startswith(NAMES) and rule in file.rules:
        raise RuleFileError(f"{path}: rule {rule.id}: ids that begin with {NAMES} are reserved for lists of people")
    if rule.category == "sexual_minors" and rule.severity != "refuse":
        raise RuleFileError(f"{path}: rule {rule.id}: the severity of sexual_minors must be refuse")
    groups = tuple(_phrases(group, rule, lists) for group in rule.all)
    return _Compiled(rule, groups, _phrases(rule.unless, rule, lists))


def _phrases(terms: Sequence[str], rule: _Rule, lists: _Lists) -> frozenset[Phrase]:
    phrases: set[Phrase] = set()
    for term in terms:
        found = lists.phrases(term[1:]) if term.startswith("@") else {_phrase(term)}
        if found is None:
            raise RuleFileError(f"{lists.path}: rule {rule.id}: there is no list named {term[1:]}")
        if () in found:
            raise RuleFileError(f"{lists.path}: rule {rule.id}: a term has no letters")
        phrases |= found
    return frozenset(phrases)


def name_key(name: str) -> str:
    """A person's name in normalised form: different spellings of a name have the same key."""
    return " ".join(_phrase(name))


def _phrase(text: str) -> Phrase:
    return split(fold(text).text)


def _listed(categories: set[Category] | frozenset[Category]) -> str:
    return ", ".join(sorted(categories)) or "nothing"
