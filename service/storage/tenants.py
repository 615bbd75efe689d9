"""The rows of tenants."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, update

from service.storage.session import Repository, values_of
from service.storage.tables import tenants as table


@dataclass(frozen=True, slots=True)
class TenantRow:
    """A tenant. Limits that are None are the settings'."""

    name: str
    created_at: dt.datetime
    safety_threshold: float | None
    likeness_review_distance: float | None
    max_images: int | None
    rotated_at: dt.datetime | None = None
    removed_at: dt.datetime | None = None


class TenantRepository(Repository):
    """Tenants. A removed tenant's row stays, so that its name is never given again."""

    def add(self, row: TenantRow) -> None:
        self._session.insert(table, [values_of(row)])

    def get(self, name: str) -> TenantRow | None:
        row = self._session.read(select(table).where(table.c.name == name)).first()
        return TenantRow(**row._mapping) if row else None

    def all(self) -> list[TenantRow]:
        """Every tenant, removed ones too, oldest first."""
        rows = self._session.read(select(table).order_by(table.c.created_at, table.c.name))
        return [TenantRow(**row._mapping) for row in rows]

    def any(self) -> bool:
        """There is a tenant, or was one."""
        return self._session.read(select(table.c.name).limit(1)).first() is not None

    def rotated(self, name: str, at: dt.datetime) -> bool:
        """Note that a tenant got a new key; False where there is no such tenant, or it is removed."""
        return self._update(name, rotated_at=at)

    def remove(self, name: str, at: dt.datetime) -> bool:
        """End a tenant for good; False as `rotated`."""
        return self._update(name, removed_at=at)

    def _update(self, name: str, **values: Any) -> bool:
        here = (table.c.name == name, table.c.removed_at.is_(None))
        return self._session.change(update(table).where(*here).values(**values)) == 1
