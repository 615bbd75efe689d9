"""The rows of requests with an Idempotency-Key, and of the answers that are kept for them."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, delete, func, select, update

from service.storage.session import Repository, values_of
from service.storage.tables import answers as table

_ids = select(table.c.id, table.c.owner)


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """A request with an Idempotency-Key. `status` is None while `owner` works on it, until `lease_until`.

    `id`, `caller` and `fingerprint` are keyed digests. `size` counts the bytes of the answer's body.
    """

    id: str
    caller: str
    fingerprint: str
    expires_at: dt.datetime
    owner: str
    lease_until: dt.datetime
    status: int | None = None
    headers: Sequence[Sequence[str]] | None = None
    size: int = 0
    wrapped_key: bytes | None = None


class AnswerRepository(Repository):
    """Kept answers, and requests that will have one."""

    def add(self, row: AnswerRow) -> None:
        self._session.insert(table, [values_of(row)])

    def get(self, number: str) -> AnswerRow | None:
        row = self._session.read(select(table).where(table.c.id == number)).first()
        return AnswerRow(**row._mapping) if row else None

    def take_over(self, number: str, owner: str, lease_until: dt.datetime) -> None:
        """Make `owner` the one who works on the request."""
        self._session.change(update(table).where(table.c.id == number).values(owner=owner, lease_until=lease_until))

    def renew(self, number: str, owner: str, lease_until: dt.datetime) -> bool:
        """Go on working on a request; False where somebody else does, or it is answered."""
        return self._session.change(update(table).where(*_open(number, owner)).values(lease_until=lease_until)) == 1

    def answer(
        self, number: str, owner: str, status: int, headers: Sequence[Sequence[str]], size: int, wrapped_key: bytes
    ) -> bool:
        """Record the answer; False as `renew`."""
        values = {"status": status, "headers": headers, "size": size, "wrapped_key": wrapped_key}
        return self._session.change(update(table).where(*_open(number, owner)).values(**values)) == 1

    def forget(self, number: str, owner: str) -> None:
        """Delete a request that has no answer and is this owner's."""
        self._session.change(delete(table).where(*_open(number, owner)))

    def delete(self, number: str) -> None:
        self._session.change(delete(table).where(table.c.id == number))

    def delete_expired(self, now: dt.datetime) -> list[tuple[str, str]]:
        """Delete what is older than it is kept, unless somebody works on it. Returns their ids and owners."""
        over = (table.c.expires_at <= now, table.c.status.is_not(None) | (table.c.lease_until <= now))
        found = [(number, owner) for number, owner in self._session.tuples(_ids.where(*over))]
        self._session.change(delete(table).where(*over))
        return found

    def files(self) -> list[tuple[str, str]]:
        """Id and owner of every answer that is kept, or is being worked on."""
        return [(number, owner) for number, owner in self._session.tuples(_ids)]

    def size(self, caller: str | None = None) -> int:
        """Bytes of all kept answers, or of those of one caller."""
        query = select(func.coalesce(func.sum(table.c.size), 0))
        query = query if caller is None else query.where(table.c.caller == caller)
        return int(self._session.read(query).scalar_one())


def _open(number: str, owner: str) -> tuple[ColumnElement[bool], ...]:
    return (table.c.id == number, table.c.owner == owner, table.c.status.is_(None))
