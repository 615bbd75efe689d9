"""Which database this is."""

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import select

from service.kit.errors import LedgerCorrupt
from service.storage.session import Repository
from service.storage.tables import ledger_identity as table


@dataclass(frozen=True, slots=True)
class LedgerIdentity:
    """The database's random id (32 hex digits), made with its tables. `upgraded`: the database is older than its id."""

    database_id: str
    created_at: dt.datetime
    upgraded: bool


class IdentityRepository(Repository):
    """The one row that says which database this is. It is never changed."""

    def get(self) -> LedgerIdentity:
        """Raises LedgerCorrupt where somebody removed the row."""
        row = self._session.read(select(table.c.database_id, table.c.created_at, table.c.upgraded)).first()
        if row is None:
            raise LedgerCorrupt("the ledger's database has lost its id")
        return LedgerIdentity(row.database_id, row.created_at, row.upgraded)
