"""The rows of appeals."""

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import select, update

from service.storage.session import Repository, values_of
from service.storage.tables import appeals as table

About = Literal["refusal", "verdict", "takedown"]
AppealState = Literal["filed", "upheld", "overturned"]
AppealOutcome = Literal["upheld", "overturned"]


@dataclass(frozen=True, slots=True)
class AppealRow:
    """An appeal. Without `wrapped_key` and `sealed` its personal data is gone for good."""

    id: str
    about: About
    subject: str
    filed_at: dt.datetime
    status: AppealState
    wrapped_key: bytes | None
    sealed: bytes | None
    resolved_at: dt.datetime | None = None
    operator: str | None = None


class AppealRepository(Repository):
    """Appeals against refusals, verdicts and takedowns."""

    def add(self, row: AppealRow) -> None:
        self._session.insert(table, [values_of(row)])

    def get(self, number: str) -> AppealRow | None:
        row = self._session.read(select(table).where(table.c.id == number)).first()
        return AppealRow(**row._mapping) if row else None

    def by_filing_time(self, *, only_open: bool) -> list[AppealRow]:
        """Every appeal, or those that are not resolved, oldest first."""
        query = select(table).order_by(table.c.filed_at)
        rows = self._session.read(query.where(table.c.status == "filed") if only_open else query)
        return [AppealRow(**row._mapping) for row in rows]

    def resolve(self, number: str, outcome: AppealOutcome, operator: str, at: dt.datetime, sealed: bytes) -> bool:
        """Store an outcome, unless there is one already: then False. `sealed` replaces the sealed text."""
        values = {"status": outcome, "resolved_at": at, "operator": operator, "sealed": sealed}
        still_open = (table.c.id == number, table.c.status == "filed")
        return self._session.change(update(table).where(*still_open).values(**values)) == 1

    def forget_resolved(self, subject: str) -> None:
        """Delete the keys and the sealed personal data of resolved appeals about a subject."""
        resolved = (table.c.subject == subject, table.c.status != "filed")
        self._session.change(update(table).where(*resolved).values(wrapped_key=None, sealed=None))
