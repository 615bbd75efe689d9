"""What a file's metadata declares about its origin, by the table. Anyone can write metadata: these are only claims.

A declaration is unsigned. It never makes a file `verified`, and its absence means nothing. `synthetic`: made by a
generator; `composite`: a capture edited with AI; `camera`: captured; `not_ai`: made or edited by people without
generative AI; `unknown`: a statement about the origin that says none of these.

To add a tool, add one row with an example to `detectors/declared/table.toml`, whose head explains the columns; tests
and this page read it. A field declares what the first row that matches says, so a name that a generator wrote into the
camera's make is no camera. Only fields that speak about the file itself are read: no captions, titles or keywords (but
for settings in them), and in XMP no ingredients, Pantry or history.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from detectors.declared.metadata import Field, Metadata
from detectors.declared.table import Forging, Origin, Rule, Shape, Source, plain, rules

_MAX_SHOWN = 500
_SEARCHED = 16_000  # characters at the beginning and at the end of a text; settings stand at one of both
_DEEPEST = 3  # a graph in a wrapper in a comment
_WORD = re.compile(r"^\w{1,40}\s{0,9}[:=]?\s{0,9}(?={)")


@dataclass(frozen=True, slots=True)
class Declaration:
    """One statement: its kind of place (`source`), what it means (`origin`), and what it names (`value`).

    `rule` and `tool`: the row of the table. `field`: where it stands, `PLACE:NAME`. `forging`: how easily it is forged.
    `value` holds no prompt and no name of a person.
    """

    source: Source
    origin: Origin
    value: str
    rule: str = ""
    tool: str = ""
    field: str = ""
    forging: Forging = "field"


@dataclass(frozen=True, slots=True)
class _Match:
    """What a rule found in a field: the `key` that decides, and what to show of it."""

    key: str
    shown: str


def aigc_label(metadata: Metadata) -> dict[str, str]:
    """The fields of the first label of GB 45438-2025, by their names in lower case; empty if there is none."""
    candidates = [_Candidate(field) for field in metadata.fields]
    for rule in rules():
        for candidate in candidates if rule.source == "aigc" and rule.shape else ():
            found = candidate.place in rule.where and _object(rule.shape or Shape(), candidate.parsed, _DEEPEST)
            if found:
                return {key: str(value) for key, value in found.items()}
    return {}


class _Candidate:
    """A field of the file, parsed at most once."""

    def __init__(self, field: Field) -> None:
        self.field = field
        self.place = (field.place, field.name.casefold())
        self.taken = False

    @cached_property
    def text(self) -> str:
        """What patterns search: all of it, or both ends of a long one."""
        text = self.field.value.strip("\0 \t\r\n\ufeff")
        return text if len(text) <= 2 * _SEARCHED else f"{text[:_SEARCHED]}\n{text[-_SEARCHED:]}"

    @cached_property
    def parsed(self) -> object:
        return _parsed(self.field.value)


def declarations(metadata: Metadata, table: Sequence[Rule] | None = None) -> list[Declaration]:
    """Every statement the metadata makes about the image's origin, in the order of the table. Content never raises."""
    applied = rules() if table is None else table
    candidates = [_Candidate(field) for field in metadata.fields if field.value.strip("\0 \t\r\n\ufeff")]
    found = [made for rule in applied for made in (_joined if rule.joined else _single)(rule, candidates)]
    return _without_repeats(_composites(found, applied))


def _single(rule: Rule, candidates: Sequence[_Candidate]) -> Iterator[Declaration]:
    """The declarations in fields that no rule before has taken; the rule takes them."""
    for candidate in candidates:
        if candidate.place in rule.where and not candidate.taken and (match := _match(rule, candidate)):
            candidate.taken = True
            yield _declaration(rule, candidate.field, match)


def _joined(rule: Rule, candidates: Sequence[_Candidate]) -> Iterator[Declaration]:
    """One declaration of all the rule's fields. One that a generator has taken, or that is no name, spoils it."""
    concerned = [candidate for candidate in candidates if candidate.place in rule.where]
    if concerned and all(not each.taken and _match(rule, each) for each in concerned):
        names = dict.fromkeys(each.text for each in concerned)
        yield _declaration(rule, concerned[0].field, _Match("", " ".join(names)[:_MAX_SHOWN]))


def _declaration(rule: Rule, field: Field, match: _Match) -> Declaration:
    origin = rule.values.get(plain(match.key), "unknown") if rule.values else rule.declares
    name = f"{field.place}:{field.name}" if field.name else field.place
    return Declaration(rule.source or field.place, origin, match.shown, rule.id, rule.tool, name, rule.forging)


def _match(rule: Rule, candidate: _Candidate) -> _Match | None:
    if rule.pattern:
        match = rule.pattern.search(candidate.text)
        if match is None:
            return None
        key = match.groupdict().get("key") or candidate.text
        return _Match(key, (key if rule.shows == "value" else rule.tool)[:_MAX_SHOWN])
    found = _object(rule.shape or Shape(), candidate.parsed, _DEEPEST)
    return _Match(str(found.get(rule.key, "")), _shown(rule, found)) if found else None


def _shown(rule: Rule, found: Mapping[str, object]) -> str:
    keys = rule.shows if isinstance(rule.shows, tuple) else ()
    stated = {key: found[key] for key in keys if isinstance(found.get(key), str | int)}
    return (", ".join(f"{key}: {value}" for key, value in stated.items()) or rule.tool)[:_MAX_SHOWN]


def _object(shape: Shape, parsed: object, deepest: int) -> Mapping[str, object] | None:
    """The JSON object of that shape in `parsed` or in what it wraps, with its keys in lower case."""
    if not isinstance(parsed, dict) or deepest == 0:
        return None
    found = {str(key).casefold(): inner for key, inner in parsed.items()}
    if _fits(shape, found):
        return found
    wrapped = (found[key] for key in shape.unwrap & found.keys())
    inner = (_object(shape, _parsed(each) if isinstance(each, str) else each, deepest - 1) for each in wrapped)
    return next((each for each in inner if each is not None), None)


def _parsed(text: str) -> object:
    """The JSON object in a text; None if it is none."""
    text = _WORD.sub("", text.strip("\0 \t\r\n\ufeff"), count=1)
    if not text.startswith("{"):
        return None
    try:
        return json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return None


def _fits(shape: Shape, found: Mapping[str, object]) -> bool:
    keys = found.keys()
    return (
        shape.has <= keys
        and (not shape.has_one_of or bool(shape.has_one_of & keys))
        and (not shape.any_value_has or any(_has(value, shape.any_value_has) for value in found.values()))
        and all(pattern.search(str(found.get(key, ""))) for key, pattern in shape.text)
    )


def _has(value: object, keys: frozenset[str]) -> bool:
    return isinstance(value, dict) and keys <= {str(key).casefold() for key in value}


def _composites(found: Sequence[Declaration], table: Sequence[Rule]) -> Iterator[Declaration]:
    """A generator that is named beside a statement of what it made does not contradict that statement."""
    composites = {each.rule for each in found if each.origin == "composite"}
    follows = {rule.id: rule.composite_with for rule in table}
    for each in found:
        joins = each.origin == "synthetic" and bool(follows[each.rule] & composites)
        yield replace(each, origin="composite") if joins else each


def _without_repeats(found: Iterator[Declaration]) -> list[Declaration]:
    """Each statement once: the same one often stands in EXIF, XMP and IPTC-IIM."""
    first: dict[tuple[str, str, Origin], Declaration] = {}
    for each in found:
        first.setdefault((each.rule, each.value, each.origin), each)
    return list(first.values())
