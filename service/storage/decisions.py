"""The rows of the decision chain."""

import datetime as dt
import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Select, Text, bindparam, func, select, type_coerce

from service.storage.session import Repository, values_of
from service.storage.tables import decisions as table

Kind = Literal[
    "issued",
    "refused",
    "blocklist",
    "takedown",
    "appeal",
    "override",
    "consent",
    "tenant",
    "adapter",
    "held",
    "ledger",
    "key",
    "webhook",
]


@dataclass(frozen=True, slots=True)
class Decision:
    """One link of the chain. `at` has milliseconds, `subject` is an id, a case or a list, `body` canonical JSON, hashes
    are hex SHA-256."""

    seq: int
    at: dt.datetime
    kind: Kind
    subject: str
    body: str
    previous: str
    hash: str

    @property
    def content(self) -> dict[str, Any]:
        """What was decided: the parsed body."""
        content: dict[str, Any] = json.loads(self.body)
        return content


@dataclass(frozen=True, slots=True)
class RawDecision:
    """A link exactly as the database holds it, for the audit. After tampering a column may have any type."""

    seq: int
    at: str
    kind: str
    subject: str
    body: str
    previous: str
    hash: str


# Put together once: every order and every look-up needs them.
_LAST = select(table).order_by(table.c.seq.desc()).limit(1)
_HEAD = select(table.c.seq, table.c.hash).order_by(table.c.seq.desc()).limit(1)
_HASH = select(table.c.hash).where(table.c.seq == bindparam("seq"))
_ABOUT = select(table).where(table.c.subject == bindparam("subject")).order_by(table.c.seq)
_BY_HASH, _BY_SEQ = (select(table).where(column == bindparam("key")) for column in (table.c.hash, table.c.seq))
_SIZE = select(func.max(table.c.seq))


class DecisionRepository(Repository):
    """The decision chain. Rows are appended by the ledger alone and never changed."""

    def append(self, decision: Decision) -> None:
        self._session.insert(table, [values_of(decision)])

    def last(self) -> Decision | None:
        return next(self._select(_LAST), None)

    def head(self) -> tuple[int, str]:
        """`seq` and hash of the newest decision, unparsed; 0 and "" without any."""
        row = self._session.read(_HEAD).first()
        return (row.seq, row.hash) if row else (0, "")

    def hash_of(self, seq: int) -> str | None:
        """The hash of one decision; None where there is none with this number."""
        found: str | None = self._session.read(_HASH, seq=seq).scalar()
        return found

    def about(self, subject: str, kind: Kind | None = None) -> tuple[Decision, ...]:
        """Every decision about `subject`, or those of one kind, in order."""
        if kind is None:
            return tuple(self._select(_ABOUT, subject=subject))
        return tuple(self._select(_ABOUT.where(table.c.kind == kind), subject=subject))

    def by_hash(self, hash_: str) -> Decision | None:
        return next(self._select(_BY_HASH, key=hash_), None)

    def by_seq(self, seq: int) -> Decision | None:
        return next(self._select(_BY_SEQ, key=seq), None)

    def size(self) -> int:
        """The `seq` of the last decision; 0 without any. Unlike `count`, it reads one row."""
        return int(self._session.read(_SIZE).scalar_one() or 0)

    def of_kinds(self, kinds: Collection[str]) -> Iterator[Decision]:
        """Every decision of these kinds, in order."""
        return self._select(select(table).where(table.c.kind.in_(kinds)).order_by(table.c.seq))

    def latest(self, most: int, before: int | None = None) -> list[Decision]:
        """The newest decisions, newest first; `before`: of those with a lower `seq`."""
        query = select(table) if before is None else select(table).where(table.c.seq < before)
        return list(self._select(query.order_by(table.c.seq.desc()).limit(most)))

    def newest(self, kind: Kind) -> int:
        """The `seq` of the newest decision of a kind; 0 without any. It changes whenever they do."""
        return int(self._session.read(select(func.max(table.c.seq)).where(table.c.kind == kind)).scalar_one() or 0)

    def raw(self) -> Iterator[RawDecision]:
        """The whole chain in order, unparsed: an audit must also read what somebody broke."""
        columns = [
            type_coerce(column, Text).label(column.name) if column.name == "at" else column for column in table.c
        ]
        for row in self._session.read(select(*columns).order_by(table.c.seq)):
            yield RawDecision(**row._mapping)

    def _select(self, query: Select[Any], **parameters: object) -> Iterator[Decision]:
        return (Decision(**row._mapping) for row in self._session.read(query, **parameters))
