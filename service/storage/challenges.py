"""The rows of open liveness challenges."""

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import delete, select

from service.storage.session import Repository, values_of
from service.storage.tables import challenges as table

Pose = Literal["front", "left", "right"]


@dataclass(frozen=True, slots=True)
class ChallengeRow:
    """The poses that somebody is asked for, in order, and until when."""

    id: str
    poses: tuple[Pose, ...]
    expires_at: dt.datetime


class ChallengeRepository(Repository):
    """Challenges that nobody has answered yet."""

    def add(self, row: ChallengeRow) -> None:
        self._session.insert(table, [values_of(row)])

    def take(self, number: str) -> ChallengeRow | None:
        """Delete a challenge and return it; None where there is none. So it works once."""
        row = self._session.read(select(table).where(table.c.id == number)).first()
        if row is None or self._session.change(delete(table).where(table.c.id == number)) != 1:
            return None
        return ChallengeRow(row.id, tuple(row.poses), row.expires_at)

    def delete_expired(self, now: dt.datetime) -> None:
        self._session.change(delete(table).where(table.c.expires_at <= now))
