"""The rows of wrong PINs, so that neither a restart nor a second process forgets them."""

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from service.storage.session import Repository
from service.storage.tables import pin_failures as table

_ALL = ""
"""In place of an address: the row that counts the failures from all of them."""


@dataclass(frozen=True, slots=True)
class PinFailures:
    """How often wrong PINs were sent for a number, and when last."""

    number: str
    failures: int
    last_at: dt.datetime


class PinFailureRepository(Repository):
    """Wrong PINs, counted by number and by address. An address is kept as a digest, and for as long as it counts."""

    def of(self, number: str, address: str) -> PinFailures | None:
        """Those from one address."""
        return next(iter(self._select(table.c.number == number, table.c.address == address)), None)

    def total(self, number: str) -> int:
        """Those from all addresses since the number got its PIN."""
        found = self.of(number, _ALL)
        return found.failures if found else 0

    def add(self, number: str, address: str, at: dt.datetime) -> None:
        """Count one more, of the address and in all."""
        insert = (postgresql if self._session.dialect == "postgresql" else sqlite).insert
        for each in (address, _ALL):
            row = insert(table).values(number=number, address=each, failures=1, last_at=at)
            more = {"failures": table.c.failures + 1, "last_at": at}
            self._session.change(row.on_conflict_do_update(index_elements=["number", "address"], set_=more))

    def clear(self, number: str, address: str | None = None) -> None:
        """Forget those from one address, or all of a number."""
        conditions = [table.c.number == number, *([table.c.address == address] if address is not None else [])]
        self._session.change(delete(table).where(*conditions))

    def forget_addresses(self, before: dt.datetime) -> None:
        """Forget every address that has not failed since. The totals stay."""
        self._session.change(delete(table).where(table.c.address != _ALL, table.c.last_at < before))

    def recent(self, since: dt.datetime, number: str | None = None) -> list[PinFailures]:
        """Failures by number, or of one, from all addresses that failed since, most first."""
        failures = func.sum(table.c.failures)
        query = select(table.c.number, failures, func.max(table.c.last_at))
        query = query.where(table.c.address != _ALL, table.c.last_at >= since).group_by(table.c.number)
        query = query if number is None else query.where(table.c.number == number)
        rows = self._session.tuples(query.order_by(failures.desc(), table.c.number))
        return [PinFailures(number, int(count), last) for number, count, last in rows]

    def _select(self, *conditions: ColumnElement[bool]) -> list[PinFailures]:
        query = select(table.c.number, table.c.failures, table.c.last_at).where(*conditions)
        return [PinFailures(*row) for row in self._session.tuples(query)]
