"""The rows of images that wait for an operator's review."""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, select, update

from service.storage.session import Repository, values_of
from service.storage.tables import held as table

HeldState = Literal["waiting", "released", "fetched", "refused", "expired", "dropped"]
WAITING: tuple[HeldState, ...] = ("waiting",)
RELEASED: tuple[HeldState, ...] = ("released",)
OPEN_STATES = (*WAITING, *RELEASED)


@dataclass(frozen=True, slots=True)
class HeldRow:
    """A held image. `tenant` is None for the installation itself; `pixels` is the SHA-256 (hex) of what is reviewed.

    Without `wrapped_key` its file cannot be opened. `words_key` and `words` are the operator's reason, sealed.
    """

    content_id: str
    tenant: str | None
    held_at: dt.datetime
    until: dt.datetime
    status: HeldState
    subjects: tuple[str, ...]
    pixels: str
    wrapped_key: bytes | None
    decided_at: dt.datetime | None = None
    operator: str | None = None
    words_key: bytes | None = None
    words: bytes | None = None


@dataclass(frozen=True, slots=True)
class HeldReview:
    """An operator's decision about a held image, with the sealed reason."""

    operator: str
    decided_at: dt.datetime
    words_key: bytes
    words: bytes


class HeldRepository(Repository):
    """Held images."""

    def add(self, row: HeldRow) -> None:
        self._session.insert(table, [values_of(row)])

    def get(self, content_id: str) -> HeldRow | None:
        return next(iter(self._select(table.c.content_id == content_id)), None)

    def by_time(self, states: Collection[HeldState] | None = None) -> list[HeldRow]:
        """Held images in these states, or all, oldest first."""
        return self._select(*([] if states is None else [table.c.status.in_(states)]))

    def overdue(self, now: dt.datetime) -> list[str]:
        """The ids of open ones whose time is over."""
        over = (table.c.status.in_(OPEN_STATES), table.c.until <= now)
        return list(self._session.read(select(table.c.content_id).where(*over)).scalars())

    def with_key(self) -> list[str]:
        """The ids of those whose file can be opened."""
        query = select(table.c.content_id).where(table.c.wrapped_key.is_not(None))
        return list(self._session.read(query).scalars())

    def hold_again(self, content_id: str, subjects: Collection[str], now: dt.datetime) -> bool:
        """Let a released image wait again, for these subjects; False where it is not released, or its time is over."""
        return self._move(content_id, RELEASED, now, status="waiting", subjects=list(subjects))

    def release(self, content_id: str, review: HeldReview) -> bool:
        """Release a waiting image; False where it does not wait, or its time is over."""
        return self._move(content_id, WAITING, review.decided_at, status="released", **values_of(review))

    def refuse(self, content_id: str, review: HeldReview) -> bool:
        """Refuse an open image and delete its key; False where it is not open, or its time is over."""
        values = {"status": "refused", "wrapped_key": None, **values_of(review)}
        return self._move(content_id, OPEN_STATES, review.decided_at, **values)

    def fetch(self, content_id: str, now: dt.datetime) -> bool:
        """Mark a released image as fetched and delete its key; False where it is not released, or its time is over."""
        return self._move(content_id, RELEASED, now, status="fetched", wrapped_key=None)

    def drop(self, content_id: str, now: dt.datetime) -> bool:
        """End an open image that a later check refused, and delete its key; False as `refuse`."""
        return self._move(content_id, OPEN_STATES, now, status="dropped", wrapped_key=None)

    def expire(self, content_id: str) -> bool:
        """End an open image whose time is over, and delete its key; False where it is not open."""
        return self._move(content_id, OPEN_STATES, None, status="expired", wrapped_key=None)

    def _move(self, content_id: str, states: Collection[HeldState], now: dt.datetime | None, **values: Any) -> bool:
        """Change the row if it is in one of the states and, where `now` is given, its time is not over."""
        here = [table.c.content_id == content_id, table.c.status.in_(states)]
        here += [] if now is None else [table.c.until > now]
        return self._session.change(update(table).where(*here).values(**values)) == 1

    def _select(self, *conditions: ColumnElement[bool]) -> list[HeldRow]:
        query = select(table).where(*conditions).order_by(table.c.held_at, table.c.content_id)
        return [HeldRow(**{**row._mapping, "subjects": tuple(row.subjects)}) for row in self._session.read(query)]
