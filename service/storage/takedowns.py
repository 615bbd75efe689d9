"""The rows of takedown notices."""

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import ColumnElement, func, or_, select, update

from service.storage.session import Repository, values_of
from service.storage.tables import takedowns as table

TakedownStatus = Literal["received", "removed", "rejected", "appealed"]
TakedownOutcome = Literal["removed", "rejected"]

_OPEN = ("received", "appealed")


@dataclass(frozen=True, slots=True)
class TakedownRow:
    """A notice. Without `wrapped_key` and `sealed` its personal data is gone for good."""

    case: str
    pin_salt: bytes
    pin_hash: bytes
    received_at: dt.datetime
    due_at: dt.datetime
    status: TakedownStatus
    target: str
    content_id: str | None
    sha256: str | None
    duplicate_of: str | None
    wrapped_key: bytes | None
    sealed: bytes | None
    decided: TakedownOutcome | None = None
    decided_at: dt.datetime | None = None
    operator: str | None = None
    sender: str | None = None
    quarantined_until: dt.datetime | None = None


class TakedownRepository(Repository):
    """Takedown notices."""

    def add(self, row: TakedownRow) -> None:
        self._session.insert(table, [values_of(row)])

    def get(self, case: str) -> TakedownRow | None:
        return next(iter(self._select(table.c.case == case)), None)

    def by_due_time(self, *, only_open: bool) -> list[TakedownRow]:
        """Every notice, or those that are not decided or under appeal, in the order in which they are due."""
        return self._select(*([table.c.status.in_(_OPEN)] if only_open else []))

    def about(self, target: str, status: TakedownStatus) -> list[TakedownRow]:
        """The notices about one image that are in this state."""
        return self._select(table.c.target == target, table.c.status == status)

    def first_about(self, target: str) -> str | None:
        """The case number of the earliest notice about an image that was not rejected."""
        query = select(table.c.case).where(table.c.target == target, table.c.status != "rejected")
        case: str | None = self._session.read(query.order_by(table.c.received_at)).scalar()
        return case

    def quarantined(self, now: dt.datetime) -> int:
        """How many undecided notices have an image in quarantine."""
        here = (table.c.quarantined_until > now, table.c.decided.is_(None))
        return int(self._session.read(select(func.count()).where(*here)).scalar_one())

    def quarantines_from(self, sender: str, since: dt.datetime) -> int:
        """How many notices of one sender since then have quarantined an image."""
        here = (table.c.sender == sender, table.c.received_at >= since, table.c.quarantined_until.is_not(None))
        return int(self._session.read(select(func.count()).where(*here)).scalar_one())

    def was_quarantined(self, target: str, now: dt.datetime) -> bool:
        """A quarantine of this image has ended, by time or by a rejection."""
        over = or_(table.c.quarantined_until <= now, table.c.status == "rejected")
        here = (table.c.target == target, table.c.quarantined_until.is_not(None), over)
        return self._session.read(select(table.c.case).where(*here).limit(1)).first() is not None

    def set_status(self, case: str, status: TakedownStatus) -> None:
        self._session.change(update(table).where(table.c.case == case).values(status=status))

    def decide(self, case: str, outcome: TakedownOutcome, operator: str, at: dt.datetime, sealed: bytes | None) -> None:
        """Store an outcome. `sealed` replaces the sealed text; None leaves it as it is."""
        values = {"status": outcome, "decided": outcome, "decided_at": at, "operator": operator}
        text = {} if sealed is None else {"sealed": sealed}
        self._session.change(update(table).where(table.c.case == case).values(**values, **text))

    def forget(self, case: str) -> None:
        """Delete the key and the sealed personal data."""
        self._session.change(
            update(table).where(table.c.case == case).values(wrapped_key=None, sealed=None, sender=None)
        )

    def _select(self, *conditions: ColumnElement[bool]) -> list[TakedownRow]:
        query = select(table).where(*conditions).order_by(table.c.due_at, table.c.received_at)
        return [TakedownRow(**row._mapping) for row in self._session.read(query)]
