"""The rows of API keys."""

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import ColumnElement, select, update

from service.storage.session import Repository, values_of
from service.storage.tables import api_keys as table


@dataclass(frozen=True, slots=True)
class ApiKeyRow:
    """A key of a tenant. `id` is how it begins, `digest` the SHA-256 of all of it; None if the key was revoked before
    digests of revoked keys were kept.

    `lineage`: the first key of those that replaced one another, for which use is counted. Limits that are None do not
    exist.
    """

    id: str
    tenant: str
    digest: bytes | None
    lineage: str
    label: str
    scopes: tuple[str, ...]
    created_at: dt.datetime
    expires_at: dt.datetime | None = None
    revoked_at: dt.datetime | None = None
    last_used_at: dt.datetime | None = None
    replaced_by: str | None = None
    requests_per_minute: int | None = None
    images_per_day: int | None = None
    images_per_month: int | None = None
    examinations_per_day: int | None = None
    examinations_per_month: int | None = None


class ApiKeyRepository(Repository):
    """Keys of tenants. A row stays when its key ends, so that whoever still sends it is told why it is refused."""

    def add(self, row: ApiKeyRow) -> None:
        self._session.insert(table, [{**values_of(row), "scopes": list(row.scopes)}])

    def get(self, key_id: str) -> ApiKeyRow | None:
        return next(iter(self._select(table.c.id == key_id)), None)

    def of_tenant(self, tenant: str) -> list[ApiKeyRow]:
        """Every key that a tenant has or had, oldest first."""
        return self._select(table.c.tenant == tenant)

    def all(self) -> list[ApiKeyRow]:
        """Every key, oldest first."""
        return self._select()

    def revoke(self, key_id: str, at: dt.datetime) -> bool:
        """End a key now; False if there is no such key, or it is revoked already."""
        query = update(table).where(table.c.id == key_id, table.c.revoked_at.is_(None))
        return self._session.change(query.values(revoked_at=at)) == 1

    def replace(self, key_id: str, by: str, expires_at: dt.datetime) -> None:
        """Note by which key one is replaced, and until when it works beside that."""
        self._session.change(update(table).where(table.c.id == key_id).values(replaced_by=by, expires_at=expires_at))

    def used(self, key_id: str, at: dt.datetime) -> None:
        """Note when a key was used last."""
        self._session.change(update(table).where(table.c.id == key_id).values(last_used_at=at))

    def _select(self, *conditions: ColumnElement[bool]) -> list[ApiKeyRow]:
        query = select(table).where(*conditions).order_by(table.c.created_at, table.c.id)
        rows = (row._mapping for row in self._session.read(query))
        return [ApiKeyRow(**{**row, "scopes": tuple(row["scopes"])}) for row in rows]
