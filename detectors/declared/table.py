"""The table of declarations: what each field can say, read once from `table.toml`, whose head explains the columns."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

from detectors.declared.metadata import Field, Place

Origin = Literal["synthetic", "composite", "camera", "not_ai", "unknown"]
"""Made by a generator; a capture edited with AI; captured by a camera; made or edited by people without generative AI;
a statement about the origin that says none of these."""

Source = Literal["iptc", "png_text", "exif", "aigc", "xmp", "iptc_iim", "comment", "pixels"]
Forging = Literal["field", "structure"]
"""How easily it is forged: one text field, or a structure that must be imitated. Nobody needs a key for either."""

TABLE = Path(__file__).with_name("table.toml")


@dataclass(frozen=True, slots=True)
class Example:
    """A field, and what it must declare; None: nothing."""

    field: Field
    declares: Origin | None


@dataclass(frozen=True, slots=True)
class Shape:
    """What a JSON object must have; see `json` in the table. All names of keys are compared without case."""

    has: frozenset[str] = frozenset()
    has_one_of: frozenset[str] = frozenset()
    any_value_has: frozenset[str] = frozenset()
    unwrap: frozenset[str] = frozenset()
    text: tuple[tuple[str, re.Pattern[str]], ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table. Exactly one of `pattern` and `shape` is set.

    `where`: places with names (lower case). `key`: the JSON key whose value decides (lower case). `values`: what each
    value (see `plain`) declares, instead of `declares`. `shows`: `tool`, `value`, or JSON keys (lower case).
    """

    id: str
    tool: str
    where: frozenset[tuple[Place, str]]
    source: Source | None
    pattern: re.Pattern[str] | None
    shape: Shape | None
    declares: Origin
    values: Mapping[str, Origin]
    key: str
    shows: str | tuple[str, ...]
    joined: bool
    composite_with: frozenset[str]
    forging: Forging
    spec: str
    examples: tuple[Example, ...]


class TableError(Exception):
    """The table is wrong; the message names the row."""


def plain(value: str) -> str:
    """A value of a vocabulary, for comparison: letters and digits in lower case."""
    return "".join(character for character in value.casefold() if character.isalnum())


@cache
def rules() -> tuple[Rule, ...]:
    """The shipped table, in its order."""
    return load(TABLE.read_text(encoding="utf-8"))


def load(text: str) -> tuple[Rule, ...]:
    """The rules of a table. Raises TableError naming the row that is wrong."""
    table = tomllib.loads(text)
    groups = {name: tuple(fields) for name, fields in table.get("fields", {}).items()}
    found: list[Rule] = []
    for row in _rows(table):
        try:
            found.append(_rule(row, groups))
        except (KeyError, TypeError, ValueError, re.error) as wrong:
            raise TableError(f"row {row.get('id')}: {wrong!r}") from wrong
    if len({rule.id for rule in found}) != len(found):
        raise TableError("two rows have the same id")
    return tuple(found)


def _rows(table: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The declarations; the generators that only name themselves stand before the cameras, which accept any name."""
    rows = table.get("declaration", [])
    yield from (row for row in rows if row.get("declares") != "camera")
    for named in table.get("software", []):
        example = {"field": "exif:Software", "text": named["example"], "declares": "synthetic"}
        yield {
            "id": named["id"],
            "tool": f"Generator's name: {named['example']}",
            "where": ["software", "device"],
            "pattern": rf"^(?:{named['name']})(?!\w)",
            "declares": "synthetic",
            "composite_with": ["iptc-digital-source-type"],
            "shows": "value",
            "forging": "field",
            "spec": named["spec"],
            "example": example,
        }
    yield from (row for row in rows if row.get("declares") == "camera")


def _rule(row: Mapping[str, Any], groups: Mapping[str, tuple[str, ...]]) -> Rule:
    if ("pattern" in row) == ("json" in row) or ("declares" in row) == ("values" in row):
        raise ValueError("a row has either pattern or json, and either declares or values")
    shows = row.get("shows", "tool")
    return Rule(
        id=row["id"],
        tool=row["tool"],
        where=frozenset(_place(ref) for name in row["where"] for ref in groups.get(name, (name,))),
        source=_one_of(row["source"], Source) if "source" in row else None,
        pattern=re.compile(row["pattern"], re.IGNORECASE) if "pattern" in row else None,
        shape=_shape(row["json"]) if "json" in row else None,
        declares=_one_of(row.get("declares", "unknown"), Origin),
        values={plain(value): _one_of(origin, Origin) for value, origin in row.get("values", {}).items()},
        key=row.get("key", "").casefold(),
        shows=shows if isinstance(shows, str) else tuple(key.casefold() for key in shows),
        joined=row.get("joined", False),
        composite_with=frozenset(row.get("composite_with", ())),
        forging=_one_of(row["forging"], Forging),
        spec=row["spec"],
        examples=tuple(_examples(row)),
    )


def _examples(row: Mapping[str, Any]) -> Iterator[Example]:
    yield Example(_field(row["example"]), _one_of(row["example"]["declares"], Origin))
    for friend in row.get("false_friends", ()):
        yield Example(_field(friend), None)


def _field(example: Mapping[str, str]) -> Field:
    place, _, name = example["field"].partition(":")
    return Field(_one_of(place, Place), name, example["text"])


def _place(reference: str) -> tuple[Place, str]:
    place, colon, name = reference.partition(":")
    if not colon:
        raise ValueError(f"{reference} is neither PLACE:NAME nor a group of fields")
    return _one_of(place, Place), name.casefold()


def _shape(json: Mapping[str, Any]) -> Shape:
    keys = {
        name: frozenset(key.casefold() for key in json.get(name, ()))
        for name in ("has", "has_one_of", "any_value_has", "unwrap")
    }
    text = tuple((key.casefold(), re.compile(form, re.IGNORECASE)) for key, form in json.get("text", {}).items())
    return Shape(text=text, **keys)


def _one_of(value: Any, allowed: Any) -> Any:
    if value not in get_args(allowed):
        raise ValueError(f"{value!r} is none of {', '.join(get_args(allowed))}")
    return value
