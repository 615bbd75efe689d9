"""The rows of the hash blocklists."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from sqlalchemy import ColumnElement, and_, case, func, or_, select, update

from service.storage.hashes import HashRows, read_hashes
from service.storage.session import Repository
from service.storage.tables import blocklist as table
from service.storage.tables import blocklist_revision as counter

T = TypeVar("T")

HashKind = Literal["sha256", "pdq"]
_BATCH = 10_000  # rows of one INSERT, hashes of one UPDATE


@dataclass(frozen=True, slots=True)
class Listed:
    """One hash (64 lower-case hex digits) and why it is listed."""

    kind: HashKind
    hash: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class BlocklistEntry:
    """One hash on a list: 64 hex digits of `kind`, where it came from, why, and since when."""

    list: str
    source: str
    kind: HashKind
    hash: str
    reason: str
    added_at: dt.datetime
    active: bool


@dataclass(frozen=True, slots=True)
class Block:
    """The list that blocks an image, and until when; None: until somebody decides otherwise."""

    list: str
    until: dt.datetime | None


@dataclass(frozen=True, slots=True)
class ListSummary:
    """One list: its active and withdrawn entries of one kind of hash."""

    list: str
    kind: HashKind
    active: int
    withdrawn: int


class BlocklistRepository(Repository):
    """Every list. Each change counts the revision up."""

    def add(
        self,
        listed: Sequence[Listed],
        name: str,
        source: str,
        at: dt.datetime,
        *,
        active: bool,
        until: dt.datetime | None = None,
    ) -> int:
        """Put hashes on a list, or switch them on again where they are withdrawn and `active`; the number changed.

        `until`: the new ones count only until then.
        """
        known = self.states(name, source)
        fresh = [entry for entry in listed if (entry.kind, entry.hash) not in known]
        withdrawn = [entry.hash for entry in listed if active and known.get((entry.kind, entry.hash)) is False]
        if not fresh and not withdrawn:
            return 0
        common = {"list": name, "source": source, "added_at": at, "active": active, "until": until}
        common["revision"] = self._next_revision()
        for batch in _batches(fresh):
            rows = [{**common, "kind": e.kind, "hash": e.hash, "reason": e.reason} for e in batch]
            self._session.insert(table, rows)
        for hashes in _batches(withdrawn):
            self._switch(and_(_of(name, source), table.c.hash.in_(hashes)), active=True)
        return len(fresh) + len(withdrawn)

    def switch(self, name: str, source: str, *, active: bool) -> int:
        """Withdraw or restore every entry of one source, without an end; the number changed."""
        lasting = _of(name, source), table.c.until.is_not(None)
        self._session.change(update(table).where(*lasting).values(until=None))
        return self._switch(_of(name, source), active=active)

    def withdraw(self, name: str, hash_: str | None = None) -> int:
        """Withdraw one hash, or all, from a list, whatever the source; the number withdrawn."""
        conditions = [table.c.list == name, *([table.c.hash == hash_] if hash_ else [])]
        return self._switch(and_(*conditions), active=False)

    def states(self, name: str, source: str) -> Mapping[tuple[HashKind, str], bool]:
        """Kind and hash of every entry of a source, and whether it is active."""
        rows = self._session.tuples(select(table.c.kind, table.c.hash, table.c.active).where(_of(name, source)))
        return {(kind, hash_): active for kind, hash_, active in rows}

    def revision(self) -> int:
        """The revision of the newest change; 0 at first."""
        return int(self._session.read(select(counter.c.revision)).scalar_one())

    def active_after(self, kind: HashKind, after: int) -> HashRows:
        """The hashes of a kind that are active and changed after the revision `after`, by the entry's id.

        Raises as `read_hashes`.
        """
        return read_hashes(self._session, table.c.id, table.c.hash, *_changed(kind, after), table.c.active)

    def withdrawn_after(self, kind: HashKind, after: int) -> list[int]:
        """The ids of entries of a kind that are withdrawn and changed after the revision `after`."""
        query = select(table.c.id).where(*_changed(kind, after), ~table.c.active)
        return [id_ for (id_,) in self._session.tuples(query)]

    def block(self, id_: int) -> Block:
        """The block of the entry with this id, which must exist: entries are never deleted."""
        row = self._session.read(select(table.c.list, table.c.until).where(table.c.id == id_)).one()
        return Block(row.list, row.until)

    def block_of(self, kind: HashKind, hash_: str, now: dt.datetime) -> Block | None:
        """A block of exactly this hash; one without an end first."""
        active = (table.c.kind == kind, table.c.hash == hash_, table.c.active)
        query = select(table.c.list, table.c.until).where(*active, or_(table.c.until.is_(None), table.c.until > now))
        row = self._session.read(query.order_by(table.c.until.is_not(None), table.c.id).limit(1)).first()
        return Block(row.list, row.until) if row else None

    def entries(self, name: str) -> Iterator[BlocklistEntry]:
        """Every entry of a list, withdrawn ones too, in the order in which they were added."""
        columns = [table.c[field] for field in BlocklistEntry.__dataclass_fields__]
        for row in self._session.read(select(*columns).where(table.c.list == name).order_by(table.c.id)):
            yield BlocklistEntry(**row._mapping)

    def summaries(self) -> tuple[ListSummary, ...]:
        """Every list, by name and kind of hash."""
        active = func.sum(case((table.c.active, 1), else_=0))
        group = (table.c.list, table.c.kind)
        rows = self._session.tuples(select(*group, active, func.count()).group_by(*group).order_by(*group))
        return tuple(ListSummary(name, kind, int(on), int(all_ - on)) for name, kind, on, all_ in rows)

    def _switch(self, which: ColumnElement[bool], *, active: bool) -> int:
        values = {"active": active, "revision": self._next_revision()}
        return self._session.change(update(table).where(which, table.c.active != active).values(**values))

    def _next_revision(self) -> int:
        self._session.change(update(counter).values(revision=counter.c.revision + 1))
        return self.revision()


def _changed(kind: HashKind, after: int) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return table.c.kind == kind, table.c.revision > after


def _of(name: str, source: str) -> ColumnElement[bool]:
    return and_(table.c.list == name, table.c.source == source)


def _batches(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), _BATCH):
        yield items[start : start + _BATCH]
