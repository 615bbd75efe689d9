"""The rows of those who are signed in at the operator's pages."""

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import delete, select

from service.storage.session import Repository, values_of
from service.storage.tables import operator_sessions as table


@dataclass(frozen=True, slots=True)
class OperatorSessionRow:
    """Somebody who signed in with a key. `token` is the SHA-256 of what their browser has."""

    token: bytes
    key: str
    expires_at: dt.datetime


class OperatorSessionRepository(Repository):
    """Sessions by the digest of their token."""

    def add(self, row: OperatorSessionRow) -> None:
        self._session.insert(table, [values_of(row)])

    def get(self, token: bytes) -> OperatorSessionRow | None:
        query = select(table.c.token, table.c.key, table.c.expires_at).where(table.c.token == token)
        return next((OperatorSessionRow(*row) for row in self._session.tuples(query)), None)

    def end(self, token: bytes) -> None:
        self._session.change(delete(table).where(table.c.token == token))

    def forget(self, now: dt.datetime) -> None:
        """Delete those that have ended."""
        self._session.change(delete(table).where(table.c.expires_at <= now))
