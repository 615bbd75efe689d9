"""The rows of webhooks, and of what they are told."""

import datetime as dt
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, and_, delete, or_, select, update

from service.storage.session import Repository, values_of
from service.storage.tables import deliveries
from service.storage.tables import webhooks as table

DeliveryState = Literal["pending", "sent", "dead"]


@dataclass(frozen=True, slots=True)
class WebhookRow:
    """Where a tenant is told of its jobs; `tenant` is None for the installation itself."""

    id: str
    tenant: str | None
    url: str
    created_at: dt.datetime
    wrapped_key: bytes
    sealed: bytes


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """A message to a webhook. `outcome`: what became of the last attempt."""

    id: str
    webhook: str
    job: str
    body: str
    created_at: dt.datetime
    not_before: dt.datetime
    status: DeliveryState = "pending"
    attempts: int = 0
    owner: str | None = None
    lease_until: dt.datetime | None = None
    outcome: str | None = None
    expires_at: dt.datetime | None = None


class WebhookRepository(Repository):
    """Webhooks: one of each tenant."""

    def set(self, row: WebhookRow) -> None:
        """Put a webhook in the place of the tenant's, if it has one."""
        self.remove(row.tenant or "")
        self._session.insert(table, [values_of(row)])

    def of(self, tenant: str) -> WebhookRow | None:
        """That of a tenant (empty: the installation itself)."""
        return self._one(_of(tenant))

    def get(self, number: str) -> WebhookRow | None:
        return self._one(table.c.id == number)

    def all(self) -> list[WebhookRow]:
        """Every webhook, by tenant."""
        rows = self._session.read(select(table).order_by(table.c.tenant, table.c.id))
        return [WebhookRow(**row._mapping) for row in rows]

    def remove(self, tenant: str) -> bool:
        """Remove a tenant's webhook, with all that it has not been told; False where there is none."""
        mine = select(table.c.id).where(_of(tenant))
        self._session.change(delete(deliveries).where(deliveries.c.webhook.in_(mine)))
        return self._session.change(delete(table).where(_of(tenant))) > 0

    def _one(self, condition: ColumnElement[bool]) -> WebhookRow | None:
        row = self._session.read(select(table).where(condition)).first()
        return WebhookRow(**row._mapping) if row else None


class DeliveryRepository(Repository):
    """What webhooks are told."""

    def add(self, row: DeliveryRow) -> None:
        self._session.insert(deliveries, [values_of(row)])

    def get(self, number: str) -> DeliveryRow | None:
        row = self._session.read(select(deliveries).where(deliveries.c.id == number)).first()
        return DeliveryRow(**row._mapping) if row else None

    def next(self, now: dt.datetime) -> DeliveryRow | None:
        """The message to send now: the oldest one whose time has come, and that nobody is sending."""
        free = or_(deliveries.c.owner.is_(None), deliveries.c.lease_until <= now)
        due = and_(deliveries.c.status == "pending", deliveries.c.not_before <= now, free)
        query = select(deliveries).where(due).order_by(deliveries.c.not_before, deliveries.c.id).limit(1)
        row = self._session.read(query).first()
        return DeliveryRow(**row._mapping) if row else None

    def begin(self, number: str, owner: str, lease_until: dt.datetime) -> None:
        """Make `owner` the one who sends a message."""
        values: dict[str, Any] = {"owner": owner, "lease_until": lease_until, "attempts": deliveries.c.attempts + 1}
        self._session.change(update(deliveries).where(deliveries.c.id == number).values(**values))

    def settle(
        self,
        number: str,
        owner: str,
        status: DeliveryState,
        outcome: str,
        *,
        not_before: dt.datetime | None = None,
        expires_at: dt.datetime | None = None,
    ) -> None:
        """Record what became of an attempt. `not_before`: when to try again. Does nothing where it is another's."""
        values: dict[str, Any] = {"status": status, "outcome": outcome, "owner": None, "expires_at": expires_at}
        values |= {"not_before": not_before} if not_before else {}
        mine = (deliveries.c.id == number, deliveries.c.owner == owner)
        self._session.change(update(deliveries).where(*mine).values(**values))

    def postpone(self, webhook: str, until: dt.datetime) -> None:
        """Let all that waits for a webhook wait until then: it does not answer."""
        waits = (deliveries.c.webhook == webhook, deliveries.c.status == "pending", deliveries.c.not_before < until)
        self._session.change(update(deliveries).where(*waits).values(not_before=until))

    def send_again(self, number: str, now: dt.datetime) -> bool:
        """Let a message that was given up wait again; False where it was not."""
        values: dict[str, Any] = {"status": "pending", "attempts": 0, "not_before": now, "expires_at": None}
        dead = (deliveries.c.id == number, deliveries.c.status == "dead")
        return self._session.change(update(deliveries).where(*dead).values(**values)) == 1

    def in_state(self, status: DeliveryState) -> list[DeliveryRow]:
        """Those in a state, oldest first."""
        query = select(deliveries).where(deliveries.c.status == status)
        rows = self._session.read(query.order_by(deliveries.c.created_at, deliveries.c.id))
        return [DeliveryRow(**row._mapping) for row in rows]

    def delete_expired(self, now: dt.datetime) -> int:
        """Delete those that are no longer kept; how many."""
        return self._session.change(delete(deliveries).where(deliveries.c.expires_at <= now))


def _of(tenant: str) -> ColumnElement[bool]:
    return table.c.tenant == tenant if tenant else table.c.tenant.is_(None)
