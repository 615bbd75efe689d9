"""Rule files: words and phrases in TOML that are looked up in every reading of a prompt (see docs/prompts.md).

They have no regular expressions: the cost is one dictionary look-up per word, whatever the file and the prompt.
"""

import hashlib
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from detectors.prompts.categories import Category
from detectors.prompts.folding import fold
from detectors.prompts.matching import Occurrence, Phrase, find, first_window, index
from detectors.prompts.normalise import Normalised, normalise, plain_words

DEFAULT_RULES = Path(__file__).parent / "default.toml"

NAMES = "names."
"""Prefix of the ids of rules for lists of people; other rules may not use it."""

_MAX_BYTES = 1 << 20
_Severity = Literal["refuse", "note"]
_Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")]
_Term = Annotated[str, Field(min_length=1, max_length=100)]


class RuleFileError(Exception):
    """A rule file is not valid; the message says which, where and why."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Rule(_Frozen):
    """One term of each group in `all` must occur, all within `within` words. `@name` refers to a list."""

    id: _Name
    category: Category
    all: tuple[Annotated[tuple[_Term, ...], Field(min_length=1)], ...] = Field(min_length=1, max_length=4)
    within: int | None = Field(None, ge=1)
    unless: tuple[_Term, ...] = ()
    severity: _Severity = "refuse"


class _Test(_Frozen):
    """`expect`: exactly the categories that the rules of this file must find."""

    text: str
    expect: frozenset[Category]


class _File(_Frozen):
    lists: dict[_Name, tuple[_Term, ...]] = {}
    names: dict[_Name, tuple[_Term, ...]] = {}
    rules: tuple[_Rule, ...] = ()
    tests: tuple[_Test, ...] = Field(min_length=1)


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
        """Read and validate a rule file and run its tests.

        Raises:
            RuleFileError: the file cannot be read or is malformed, or a test fails.
        """
        data = _read(path)
        self.path = path
        self.digest = hashlib.sha256(data).hexdigest()
        file = _parse(path, data)
        self.tests = len(file.tests)
        self._rules = tuple(_compile(rule, file, path) for rule in (*file.rules, *_named(file)))
        if len({compiled.rule.id for compiled in self._rules}) < len(self._rules):
            raise RuleFileError(f"{path}: two rules have the same id")
        phrases = {phrase for c in self._rules for group in (*c.groups, c.unless) for phrase in group}
        self._index = index(phrases)
        self._names = frozenset(_phrase(text) for texts in file.names.values() for text in texts)
        self._run_tests(file.tests)

    def hits(self, prompt: Normalised) -> tuple[RuleHit, ...]:
        """Every rule that matches some reading of the prompt, once each, in the order of the file."""
        found = [find(self._index, reading) for reading in prompt.readings]
        spans = [(c.rule, next((s for o in found if (s := _span(c, o))), None)) for c in self._rules]
        return tuple(RuleHit(rule.id, rule.category, rule.severity, *span) for rule, span in spans if span)

    def named(self, prompt: Normalised) -> frozenset[str]:
        """Every listed name in some reading of the prompt, normalised by `name_key`."""
        found = {o.phrase for reading in prompt.readings for o in find(self._index, reading)}
        return frozenset(" ".join(phrase) for phrase in found & self._names)

    def _run_tests(self, tests: Sequence[_Test]) -> None:
        failures = []
        for number, test in enumerate(tests, 1):
            found = {hit.category for hit in self.hits(normalise(test.text))}
            if found != test.expect:
                failures.append(f"test {number} expects {_listed(test.expect)} and finds {_listed(found)}")
        if failures:
            raise RuleFileError(f"{self.path}: {len(failures)} of {len(tests)} tests fail: {'; '.join(failures)}")


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


def _named(file: _File) -> list[_Rule]:
    return [_Rule(id=f"{NAMES}{name}", category="named_person", all=(people,)) for name, people in file.names.items()]


def _compile(rule: _Rule, file: _File, path: Path) -> _Compiled:
    if rule.id.startswith(NAMES) and rule in file.rules:
        raise RuleFileError(f"{path}: rule {rule.id}: ids that begin with {NAMES} are reserved for lists of people")
    if rule.category == "sexual_minors" and rule.severity != "refuse":
        raise RuleFileError(f"{path}: rule {rule.id}: the severity of sexual_minors must be refuse")
    groups = tuple(_phrases(group, rule, file, path) for group in rule.all)
    return _Compiled(rule, groups, _phrases(rule.unless, rule, file, path))


def _phrases(terms: Sequence[str], rule: _Rule, file: _File, path: Path) -> frozenset[Phrase]:
    phrases = set()
    for term in terms:
        if term.startswith("@") and term[1:] not in file.lists:
            raise RuleFileError(f"{path}: rule {rule.id}: there is no list named {term[1:]}")
        for text in file.lists[term[1:]] if term.startswith("@") else [term]:
            phrase = _phrase(text)
            if not phrase:
                raise RuleFileError(f"{path}: rule {rule.id}: a term has no letters")
            phrases.add(phrase)
    return frozenset(phrases)


def name_key(name: str) -> str:
    """A person's name in normalised form: different spellings of a name have the same key."""
    return " ".join(_phrase(name))


def _phrase(text: str) -> Phrase:
    return tuple(min(word.forms) for word in plain_words(fold(text)))


def _listed(categories: set[Category] | frozenset[Category]) -> str:
    return ", ".join(sorted(categories)) or "nothing"
