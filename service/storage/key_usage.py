"""How much the holders of keys have used, so that all processes count together and none forgets at a restart."""

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import Table, select
from sqlalchemy.dialects import postgresql, sqlite

from service.storage.session import Repository
from service.storage.tables import key_buckets, key_usage


@dataclass(frozen=True, slots=True)
class UsageRow:
    """What was used of a quota until its window ends."""

    lineage: str
    quota: str
    used: int
    until: dt.datetime


class KeyUsageRepository(Repository):
    """By the lineage of a key: what was used of each quota in its last window, and the bucket of tokens."""

    def of(self, lineage: str) -> dict[str, UsageRow]:
        """The rows of a lineage by the name of the quota."""
        query = select(key_usage.c.lineage, key_usage.c.quota, key_usage.c.used, key_usage.c.until)
        rows = (UsageRow(*row) for row in self._session.tuples(query.where(key_usage.c.lineage == lineage)))
        return {row.quota: row for row in rows}

    def put(self, row: UsageRow) -> None:
        """Store a row in place of the one before."""
        values = {"lineage": row.lineage, "quota": row.quota, "used": row.used, "until": row.until}
        query = self._insert(key_usage).values(values)
        changed = {"used": row.used, "until": row.until}
        self._session.change(query.on_conflict_do_update(index_elements=["lineage", "quota"], set_=changed))

    def bucket(self, lineage: str) -> tuple[float, dt.datetime] | None:
        """Tokens, and since when there have been so many."""
        query = select(key_buckets.c.tokens, key_buckets.c.at).where(key_buckets.c.lineage == lineage)
        return next(((tokens, at) for tokens, at in self._session.tuples(query)), None)

    def put_bucket(self, lineage: str, tokens: float, at: dt.datetime) -> None:
        """Store the bucket in place of the one before."""
        query = self._insert(key_buckets).values(lineage=lineage, tokens=tokens, at=at)
        self._session.change(query.on_conflict_do_update(index_elements=["lineage"], set_={"tokens": tokens, "at": at}))

    def _insert(self, table: Table) -> postgresql.Insert | sqlite.Insert:
        return postgresql.insert(table) if self._session.dialect == "postgresql" else sqlite.insert(table)
