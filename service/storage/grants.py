"""The rows of grants and of the images that were generated under them."""

import datetime as dt
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import select, update

from service.storage.session import Repository, values_of
from service.storage.tables import grants as table
from service.storage.tables import uses

Scope = Literal["portrait", "edit", "style", "commercial"]


@dataclass(frozen=True, slots=True)
class GrantRow:
    """What a subject allowed. `receipt` is a compact JWS, `receipt_digest` its SHA-256 (hex)."""

    id: str
    subject: str
    purpose: str
    scopes: tuple[Scope, ...]
    grantee: str
    created_at: dt.datetime
    expires_at: dt.datetime
    receipt: str
    receipt_digest: str
    revoked_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class UseRow:
    """An image that was generated under a grant."""

    grant: str
    content_id: str
    at: dt.datetime
    withdrawn_at: dt.datetime | None = None


class GrantRepository(Repository):
    """What subjects allowed."""

    def add(self, row: GrantRow) -> None:
        self._session.insert(table, [values_of(row)])

    def get(self, grant: str) -> GrantRow | None:
        row = self._session.read(select(table).where(table.c.id == grant)).first()
        return _grant(row) if row else None

    def of_subject(self, subject: str) -> list[GrantRow]:
        """Every grant of a subject, oldest first."""
        return self._select(table.c.subject == subject)

    def for_grantee(self, grantee: str) -> list[GrantRow]:
        """Every grant to a grantee, oldest first."""
        return self._select(table.c.grantee == grantee)

    def is_live(self, grant: str, now: dt.datetime) -> bool:
        """The grant exists and is neither revoked nor expired."""
        live = (table.c.id == grant, table.c.revoked_at.is_(None), table.c.expires_at > now)
        return self._session.read(select(table.c.id).where(*live)).first() is not None

    def revoke(self, grant: str, at: dt.datetime) -> None:
        """Revoke a grant, unless it is revoked already."""
        self._session.change(
            update(table).where(table.c.id == grant, table.c.revoked_at.is_(None)).values(revoked_at=at)
        )

    def revoke_all(self, subject: str, at: dt.datetime) -> None:
        """Revoke every grant of a subject that is not revoked already."""
        still = (table.c.subject == subject, table.c.revoked_at.is_(None))
        self._session.change(update(table).where(*still).values(revoked_at=at))

    def _select(self, condition: Any) -> list[GrantRow]:
        query = select(table).where(condition).order_by(table.c.created_at, table.c.id)
        return [_grant(row) for row in self._session.read(query)]


class UseRepository(Repository):
    """Which image was generated under which grant. Both must be stored when the transaction ends."""

    def add(self, row: UseRow) -> None:
        self._session.insert(uses, [values_of(row)])

    def of_subject(self, subject: str) -> list[UseRow]:
        """Every use of a subject's grants, oldest first."""
        query = select(uses).join(table, table.c.id == uses.c.grant).where(table.c.subject == subject)
        return [UseRow(**row._mapping) for row in self._session.read(query.order_by(uses.c.at, uses.c.content_id))]

    def withdraw(self, content_id: str, at: dt.datetime) -> None:
        self._session.change(update(uses).where(uses.c.content_id == content_id).values(withdrawn_at=at))


def _grant(row: Any) -> GrantRow:
    return GrantRow(**{**row._mapping, "scopes": tuple(row.scopes)})
