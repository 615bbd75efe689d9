"""Pictures that must not pass, by their hashes: neither drawn here nor taken in.

SHA-256 finds the very file. PDQ finds pictures that look the same: distance 31 of 256 bits or less, for hashes of
quality 50 or more, which are ThreatExchange's standards
(https://github.com/facebook/ThreatExchange/blob/main/python-threatexchange/threatexchange/signal_type/pdq/signal.py).
The search is exact. Whoever is refused learns the list's name, never a hash and no picture.
"""

import datetime as dt
import hashlib
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Connection, Select, and_, case, func, select, true, update

from detectors import nearest, pack, variants
from service.kit.clock import utc_now
from service.kit.errors import BadRequest, Blocked, NotFound
from service.ledger.ledger import Ledger
from service.moderation.hash_lists import (
    LEAST_QUALITY,
    LONGEST_REASON,
    HashKind,
    Listed,
    ListFormat,
    known_hash,
    read_list,
    write_list,
)
from service.storage import blocklist as entries
from service.storage import blocklist_revision as counter
from service.storage import reading

T = TypeVar("T")

SAME_PICTURE_BITS = 31
TAKEDOWNS = "takedowns"
"""The list that notices of removal fill; only their decisions change it."""

WITHDRAWN = "withdrawn-likeness"
"""The list of images that people withdrew who had allowed their likeness."""

_LIST_NAME = re.compile(r"[A-Za-z0-9][\w .-]{0,63}")
_LONGEST_SOURCE = 200
_BATCH = 10_000  # rows of one INSERT, hashes of one SELECT


@dataclass(frozen=True, slots=True)
class BlocklistEntry:
    """One hash on a list: 64 hex digits of `kind`, where it came from, why, since when (RFC 3339 UTC)."""

    list: str
    source: str
    kind: HashKind
    hash: str
    reason: str
    added_at: str
    active: bool


@dataclass(frozen=True, slots=True)
class BlocklistMatch:
    """A listed picture: on which list, found by which hash, how many of its bits differ."""

    list: str
    kind: HashKind
    distance: int


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did: new entries, entries that were there, rows left out by cause."""

    added: int
    known: int
    left_out: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Summary:
    """One list: its active and withdrawn entries by kind of hash."""

    list: str
    kind: HashKind
    active: int
    withdrawn: int


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """Every active PDQ hash as of a revision: row ids (N), packed hashes (4 x N), names of their lists (N)."""

    revision: int
    ids: NDArray[np.int64]
    hashes: NDArray[np.uint64]
    lists: NDArray[np.object_]


_NOTHING = _Snapshot(-1, np.empty(0, np.int64), pack([]), np.empty(0, object))


class Blocklist:
    """The lists of one installation. Safe to share between threads and processes: each look first asks the database
    whether anything changed, so an entry counts everywhere as soon as it is written."""

    def __init__(self, ledger: Ledger, clock: Callable[[], dt.datetime] = utc_now) -> None:
        self._ledger = ledger
        self._clock = clock
        self._snapshot = _NOTHING
        self._lock = threading.Lock()

    def check_upload(self, data: bytes, rgb: NDArray[np.uint8]) -> None:
        """Let a file in, or not: its bytes, and its pixels (uint8, H x W x 3) as they are shown.

        Raises:
            Blocked: it is listed.
            Unavailable: the lists cannot be read; nothing may be let in then.
        """
        _refuse(self.match(rgb, hashlib.sha256(data).hexdigest()), "admit")

    def check_input(self, rgb: NDArray[np.uint8]) -> None:
        """Let what will be drawn on (uint8, H x W x 3) in, or not. Raises as `check_upload`."""
        _refuse(self.match(rgb), "admit")

    def check_pixels(self, rgb: NDArray[np.uint8]) -> None:
        """Let a drawn picture (uint8, H x W x 3) out, or not. Raises as `check_upload`."""
        _refuse(self.match(rgb), "screen")

    def match(self, rgb: NDArray[np.uint8], sha256: str | None = None) -> BlocklistMatch | None:
        """The first listed picture that this is: by `sha256` of its file, else by the looks of its pixels."""
        with reading(self._ledger.engine) as connection:
            snapshot = self._current(connection)
            exact: str | None = connection.execute(_exactly(sha256)).scalar() if sha256 else None
        if exact is not None:
            return BlocklistMatch(exact, "sha256", 0)
        if not snapshot.lists.size:
            return None
        for look in variants(rgb):
            found = nearest(snapshot.hashes, look.bits, SAME_PICTURE_BITS) if look.quality >= LEAST_QUALITY else None
            if found is not None:
                return BlocklistMatch(snapshot.lists[found[0]], "pdq", found[1])
        return None

    def load(self) -> int:
        """Read the lists, so that the first picture need not wait; the number of active PDQ hashes."""
        with reading(self._ledger.engine) as connection:
            return self._current(connection).lists.size

    def import_list(
        self, data: bytes, name: str, source: str, to: ListFormat | None = None, kind: HashKind | None = None
    ) -> Imported:
        """Put a whole hash list (see `service.moderation.hash_lists`) on the list `name`: all of it, or nothing.

        Raises:
            BrokenList: rows that cannot be read, named by line.
            BadRequest: the name or source cannot be used.
        """
        read = read_list(data, to, kind)
        added = self.add(read.entries, name, source)
        return Imported(added, len(read.entries) - added, read.left_out)

    def add(self, listed: Sequence[Listed], name: str, source: str) -> int:
        """Put hashes on a list, or back on it; the number of those that were not there. Recorded as a decision."""
        _check_names(name, source)
        new: list[int] = []
        content = {"action": "add", "entries": len(listed), "digest": _digest(listed)}

        def write(connection: Connection) -> None:
            new[:] = [self.adding(connection, listed, name, source, active=True)]
            content["added"] = new[0]

        self._ledger.record("blocklist", name, content, write)
        return new[0]

    def remove(self, name: str, hash_: str | None = None) -> int:
        """Withdraw a hash, or all, from a list, whatever the source; the number withdrawn. Recorded as a decision.

        Raises:
            NotFound: no such active entry.
        """
        _check_names(name, "-")
        which = and_(entries.c.list == name, entries.c.hash == known_hash(hash_) if hash_ else true())
        content: dict[str, str | int] = {"action": "remove"}

        def write(connection: Connection) -> None:
            content["withdrawn"] = _switch(connection, which, to=False)
            if not content["withdrawn"]:
                raise NotFound(
                    f"nothing like that is active on the list {name}", hint="See `countermark blocklist list`."
                )

        self._ledger.record("blocklist", name, content, write)
        return int(content["withdrawn"])

    def adding(self, connection: Connection, listed: Sequence[Listed], name: str, source: str, *, active: bool) -> int:
        """`add` within somebody else's transaction and decision: the number of entries changed."""
        there = _states(connection, name, source)
        fresh = [entry for entry in listed if (entry.kind, entry.hash) not in there]
        back = [entry.hash for entry in listed if active and there.get((entry.kind, entry.hash)) is False]
        now = self._clock().isoformat(timespec="seconds")
        if not fresh and not back:
            return 0
        revision = _count_up(connection)
        common = {"list": name, "source": source, "added_at": now, "active": active, "revision": revision}
        for batch in _batches(fresh):
            rows = [{**common, "kind": e.kind, "hash": e.hash, "reason": e.reason[:LONGEST_REASON]} for e in batch]
            connection.execute(entries.insert(), rows)
        for hashes in _batches(back):
            _switch(connection, and_(_of(name, source), entries.c.hash.in_(hashes)), to=True)
        return len(fresh) + len(back)

    def hashes(self, connection: Connection, name: str, source: str) -> frozenset[tuple[str, str]]:
        """Kind and hash of every entry of a source, active or not."""
        return frozenset(_states(connection, name, source))

    def active(self, connection: Connection, name: str, source: str) -> bool:
        """An entry of that source is active."""
        return any(_states(connection, name, source).values())

    def switching(self, connection: Connection, name: str, source: str, *, active: bool) -> int:
        """Withdraw or restore every entry of one source, within somebody else's transaction and decision."""
        return _switch(connection, _of(name, source), to=active)

    def export(self, name: str, to: ListFormat) -> str:
        """The active entries of a list, each hash once. Raises NotFound if there is none."""
        listed = {(e.kind, e.hash): Listed(e.kind, e.hash, e.reason) for e in self.entries(name) if e.active}
        if not listed:
            raise NotFound(f"there is no active entry on a list {name}", hint="See `countermark blocklist list`.")
        return write_list(listed.values(), to)

    def entries(self, name: str) -> Iterator[BlocklistEntry]:
        """Every entry of a list, also withdrawn ones, in the order they came."""
        columns = [column for column in entries.c if column.name in BlocklistEntry.__slots__]
        with reading(self._ledger.engine) as connection:
            for row in connection.execute(select(*columns).where(entries.c.list == name).order_by(entries.c.id)):
                yield BlocklistEntry(**row._mapping)

    def lists(self) -> tuple[Summary, ...]:
        """Every list by name and kind of hash."""
        active = func.sum(case((entries.c.active, 1), else_=0))
        query = select(entries.c.list, entries.c.kind, active, func.count()).group_by(entries.c.list, entries.c.kind)
        with reading(self._ledger.engine) as connection:
            rows = connection.execute(query.order_by(entries.c.list, entries.c.kind)).all()
        return tuple(Summary(name, kind, int(live), int(all_ - live)) for name, kind, live, all_ in rows)

    def _current(self, connection: Connection) -> _Snapshot:
        """The snapshot of the newest revision; one transaction reads both, so they belong together."""
        revision = connection.execute(select(counter.c.revision)).scalar_one()
        with self._lock:
            if self._snapshot.revision < revision:
                self._snapshot = _renewed(connection, self._snapshot, revision)
            return self._snapshot


def _refuse(match: BlocklistMatch | None, stage: str) -> None:
    if match:
        raise Blocked(f"the picture is on the list {match.list}", stage=stage)


def _renewed(connection: Connection, old: _Snapshot, revision: int) -> _Snapshot:
    """The snapshot with every row replaced that changed since."""
    query = select(entries.c.id, entries.c.hash, entries.c.list, entries.c.active).order_by(entries.c.id)
    rows = connection.execute(query.where(entries.c.kind == "pdq", entries.c.revision > old.revision)).all()
    kept = ~np.isin(old.ids, np.array([row.id for row in rows], np.int64))
    live = [row for row in rows if row.active]
    names: dict[str, str] = {}  # a million rows, a few names
    return _Snapshot(
        revision,
        np.concatenate([old.ids[kept], np.array([row.id for row in live], np.int64)]),
        np.concatenate([old.hashes[:, kept], pack([bytes.fromhex(row.hash) for row in live])], axis=1),
        np.concatenate([old.lists[kept], np.array([names.setdefault(row.list, row.list) for row in live], object)]),
    )


def _exactly(sha256: str) -> Select[Any]:
    return select(entries.c.list).where(entries.c.kind == "sha256", entries.c.hash == sha256, entries.c.active).limit(1)


def _of(name: str, source: str) -> ColumnElement[bool]:
    return and_(entries.c.list == name, entries.c.source == source)


def _states(connection: Connection, name: str, source: str) -> dict[tuple[str, str], bool]:
    rows = connection.execute(select(entries.c.kind, entries.c.hash, entries.c.active).where(_of(name, source)))
    return {(kind, hash_): active for kind, hash_, active in rows}


def _switch(connection: Connection, which: ColumnElement[bool], *, to: bool) -> int:
    values = {"active": to, "revision": _count_up(connection)}
    return connection.execute(update(entries).where(which, entries.c.active != to).values(**values)).rowcount


def _count_up(connection: Connection) -> int:
    """The next revision. The row is locked until the transaction ends, so later revisions are committed later."""
    connection.execute(update(counter).values(revision=counter.c.revision + 1))
    revision: int = connection.execute(select(counter.c.revision)).scalar_one()
    return revision


def _batches(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), _BATCH):
        yield items[start : start + _BATCH]


def _digest(listed: Iterable[Listed]) -> str:
    """SHA-256 of what was put on the list, in one order: so that a list can be shown to be the one decided on."""
    return hashlib.sha256("\n".join(sorted(f"{e.kind} {e.hash}" for e in listed)).encode()).hexdigest()


def _check_names(name: str, source: str) -> None:
    if not _LIST_NAME.fullmatch(name):
        raise BadRequest(
            "that is no name for a list", hint="Use up to 64 letters, digits, spaces, dots, dashes, underscores."
        )
    if name == TAKEDOWNS:
        raise BadRequest(f"the list {name} belongs to the notices", hint="Use `countermark takedowns resolve`.")
    if name == WITHDRAWN:
        raise BadRequest(f"the list {name} belongs to those who withdrew their likeness", hint="It is theirs to end.")
    if not 0 < len(source) <= _LONGEST_SOURCE:
        raise BadRequest(f"a source has 1 to {_LONGEST_SOURCE} characters", hint="Name where the hashes came from.")
