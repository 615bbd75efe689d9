"""Hash lists in the formats in which they are exchanged: plain text, CSV, and the JSON of ThreatExchange and StopNCII.

Each format is read and written as by the reference code, all in https://github.com/facebook/ThreatExchange:

- text: `python-threatexchange/threatexchange/exchanges/impl/file_api.py`; one hash per line, optionally after its type
  (`pdq f8f8f0ce...`);
- CSV without a header: `hasher-matcher-actioner/sample_data/pdq.csv`; hash, descriptor id, time, tags separated by
spaces;
- CSV with a header: the columns are found by name (`_COLUMNS`);
- JSON: `.../clients/fb_threatexchange/threat_updates.py`: `{"data": [{"indicator", "type", "tags", ...}]}`;
- StopNCII: `.../exchanges/clients/stopncii/api.py`: `{"hashRecords": [{"hashValue", "signalType", ...}]}`.

SHA-256 and PDQ hashes both have 64 hex digits: a row without a type is read as the type that the caller names. PDQ
hashes of a quality below 50 are "too unreliable to match on" (`.../signal_type/pdq/signal.py`) and skipped, as are
other kinds of hash and withdrawn rows; all of these are counted. A row that cannot be read fails the whole list.
"""

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from service.kit.errors import BrokenList
from service.storage import HashKind, Listed

__all__ = [
    "FORMATS",
    "KINDS",
    "LEAST_QUALITY",
    "LONGEST_REASON",
    "HashKind",
    "HashList",
    "ListFormat",
    "Listed",
    "known_hash",
    "read_list",
    "write_list",
]

ListFormat = Literal["text", "csv", "json"]
KINDS: tuple[HashKind, ...] = get_args(HashKind)
FORMATS: tuple[ListFormat, ...] = get_args(ListFormat)
LEAST_QUALITY = 50
LONGEST_REASON = 500

_HASH = re.compile(r"[0-9a-f]{64}")
_QUALITY = re.compile(r"[0-9]{1,9}")
_NAMES: Mapping[str, HashKind] = {
    "pdq": "pdq",
    "hash_pdq": "pdq",
    "imagepdq": "pdq",
    "sha256": "sha256",
    "hash_sha256": "sha256",
    "photo_sha256": "sha256",
}
_COLUMNS = {
    "hash": ("hash", "indicator", "signal", "signal_value", "hash_value", "hashvalue"),
    "type": ("type", "signal_type", "hash_type", "signaltype"),
    "tags": ("tags", "reason"),
    "quality": ("quality",),
}
_WITHDRAWN = {"non_malicious", "withdrawn", "deleted"}
_THREATEXCHANGE: Mapping[str, str] = {"pdq": "HASH_PDQ", "sha256": "HASH_SHA256"}
_FEATURED = range(64, 193)  # PDQ sets about half of its bits; all zeros is the hash of a blank image
_MOST_FAULTS = 5


@dataclass(frozen=True, slots=True)
class HashList:
    """A parsed list: its hashes, each once, and how many rows were skipped, by cause."""

    entries: tuple[Listed, ...]
    left_out: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Row:
    """The fields of a row, as text, and its position."""

    where: str
    hash: str
    type: str = ""
    tags: str = ""
    quality: str = ""
    withdrawn: bool = False


class _Fault(Exception):
    """A row that cannot be read. The message contains nothing of the row."""


def read_list(data: bytes, to: ListFormat | None = None, kind: HashKind | None = None) -> HashList:
    """Read a hash list. Without `to` the format is detected. `kind` is the type of rows that do not name one.

    Raises:
        BrokenList: rows that cannot be read, named by line (in JSON: by entry), or the list is empty.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        line = data.count(b"\n", 0, wrong.start) + 1
        raise BrokenList(f"line {line}: not UTF-8 text") from None
    rows = {"text": _text, "csv": _csv, "json": _json}[to or _format(text)](text)
    return _collect(rows, kind)


def write_list(entries: Iterable[Listed], to: ListFormat) -> str:
    """The hashes in a format that `read_list` and ThreatExchange's tools read."""
    if to == "text":
        return "".join(f"{entry.kind} {entry.hash}\n" for entry in entries)
    if to == "csv":
        out = io.StringIO()
        table = csv.writer(out, lineterminator="\n")
        table.writerow(("hash", "type", "tags"))
        table.writerows((entry.hash, entry.kind, entry.reason) for entry in entries)
        return out.getvalue()
    rows = [
        {"indicator": e.hash, "type": _THREATEXCHANGE[e.kind], "tags": e.reason.split(), "status": "MALICIOUS"}
        for e in entries
    ]
    return json.dumps({"data": rows}, indent=1) + "\n"


def known_hash(text: str) -> str:
    """A hash in lower case. Raises BrokenList if it does not have 64 hex digits."""
    spelled = text.strip().lower()
    if not _HASH.fullmatch(spelled):
        raise BrokenList("not a hash of 64 hex digits", hint="SHA-256 and PDQ hashes have 64 hex digits.")
    return spelled


def _format(text: str) -> ListFormat:
    start = text.lstrip()
    if start[:1] in ("{", "["):
        return "json"
    return "csv" if "," in start.partition("\n")[0] else "text"


def _collect(rows: Iterator[_Row], kind: HashKind | None) -> HashList:
    found: dict[tuple[str, str], Listed] = {}
    left_out: Counter[str] = Counter()
    faults: list[str] = []
    for row in rows:
        try:
            entry = _entry(row, kind)
        except _Fault as fault:
            faults.append(f"{row.where}: {fault}")
            continue
        if isinstance(entry, str):
            left_out[entry] += 1
        else:
            found.setdefault((entry.kind, entry.hash), entry)
    if faults:
        more = f"; and {len(faults) - _MOST_FAULTS} more" if len(faults) > _MOST_FAULTS else ""
        raise BrokenList("; ".join(faults[:_MOST_FAULTS]) + more)
    if not found and not left_out:
        raise BrokenList("the list is empty")
    return HashList(tuple(found.values()), dict(left_out))


def _entry(row: _Row, default: HashKind | None) -> Listed | str:
    """The row's hash, or why it is skipped. Raises _Fault if it cannot be read."""
    kind = _NAMES.get(row.type.strip().lower()) if row.type else default
    if row.type and kind is None:
        if not re.fullmatch(r"\w{1,40}", row.type.strip()):
            raise _Fault("invalid type")
        return "another kind of hash"
    if kind is None:
        raise _Fault("no type: it could be SHA-256 or PDQ")
    spelled = row.hash.strip().lower()
    if not _HASH.fullmatch(spelled):
        raise _Fault("not a hash of 64 hex digits")
    if row.withdrawn:
        return "withdrawn"
    if kind == "pdq" and (_quality(row) < LEAST_QUALITY or int(spelled, 16).bit_count() not in _FEATURED):
        return "PDQ of too low a quality"
    return Listed(kind, spelled, " ".join(row.tags.split())[:LONGEST_REASON])


def _quality(row: _Row) -> int:
    spelled = row.quality.strip()
    if not spelled:
        return 100
    if not _QUALITY.fullmatch(spelled) or int(spelled) > 100:  # Python parses no number of thousands of digits
        raise _Fault("the quality is not a whole number from 0 to 100")
    return int(spelled)


def _text(text: str) -> Iterator[_Row]:
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].split()
        if words:
            kind = words[0] if len(words) > 1 else ""
            yield _Row(f"line {number}", " ".join(words[1:]) or words[0], kind)


def _csv(text: str) -> Iterator[_Row]:
    reader = csv.reader(io.StringIO(text, newline=""))
    columns: Mapping[str, int] | None = None
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            where = f"line {reader.line_num}"
            if columns is None:
                columns = _header(cells, where)
                if not _HASH.fullmatch(cells[0].strip().lower()):
                    continue
            texts = {name: cells[at] for name, at in columns.items() if at < len(cells)}
            yield _Row(where, texts.get("hash", ""), texts.get("type", ""), texts.get("tags", ""),
                       texts.get("quality", ""))  # fmt: skip
    except csv.Error as wrong:
        raise BrokenList(f"line {reader.line_num}: not CSV") from wrong


def _header(cells: Sequence[str], where: str) -> Mapping[str, int]:
    """The position of each column, from the header, or from the first row of a list without one."""
    names = [cell.strip().lower() for cell in cells]
    if _HASH.fullmatch(names[0]):
        if len(names) == 4:
            return {"hash": 0, "tags": 3}  # ThreatExchange's export: hash, descriptor id, time, tags
        if len(names) > 1 and re.fullmatch(r"[a-z]\w*", names[1]):
            return {"hash": 0, "type": 1, "tags": 2}
        if len(names) == 1:
            return {"hash": 0}
        raise BrokenList(f"{where}: the columns cannot be recognised", hint="Add a header: hash,type,tags,quality.")
    columns = {name: names.index(alias) for name, known in _COLUMNS.items() for alias in known if alias in names}
    if "hash" not in columns:
        raise BrokenList(f"{where}: there is no column named hash", hint="Name the columns: hash,type,tags,quality.")
    return columns


def _json(text: str) -> Iterator[_Row]:
    try:
        document = json.loads(text)
    except json.JSONDecodeError as wrong:
        raise BrokenList(f"line {wrong.lineno}: not JSON") from wrong
    except RecursionError as deep:
        raise BrokenList("line 1: the JSON is nested too deeply") from deep
    except ValueError as endless:
        raise BrokenList("line 1: the JSON has a number of thousands of digits") from endless
    rows = document.get("data", document.get("hashRecords")) if isinstance(document, dict) else document
    if not isinstance(rows, list):
        raise BrokenList('line 1: neither {"data": [...]} nor {"hashRecords": [...]}')
    for number, row in enumerate(rows, 1):
        yield _json_row(f"entry {number}", row if isinstance(row, dict) else {})


def _json_row(where: str, row: Mapping[str, Any]) -> _Row:
    def word(*names: str) -> str:
        return next((str(row[name]) for name in names if isinstance(row.get(name), (str, int))), "")

    gone = any(row.get(flag) is True for flag in ("should_delete", "is_expired"))
    gone |= word("status", "hashStatus").lower() in _WITHDRAWN
    return _Row(
        where,
        word("indicator", "raw_indicator", "hashValue"),
        word("type", "signalType"),
        " ".join(_tags(row.get("tags"))),
        word("quality"),
        gone,
    )


def _tags(tags: object) -> Iterator[str]:
    """Tags as a list of names, or as the Graph API gives them: `{"data": [{"text": ...}]}`."""
    for tag in tags.get("data") or () if isinstance(tags, dict) else tags if isinstance(tags, list) else ():
        yield str(tag.get("text", "")) if isinstance(tag, dict) else str(tag)
