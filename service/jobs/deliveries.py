"""Messages to webhooks, by the Standard Webhooks specification: signed, tried again with growing pauses, given up in
the end and kept then, so that the operator can send them again.

A message is a row that is written in the transaction that ends the job, so none is forgotten; it may be sent twice,
with the same `webhook-id`, where a process dies right after it was sent.
"""

import datetime as dt
import json
import random
import uuid
from collections.abc import Callable
from typing import Protocol

import structlog
from standardwebhooks.webhooks import Webhook as Signer

from service import __version__
from service.jobs.schemas import job_of
from service.jobs.webhooks import Webhooks
from service.kit.clock import stamp, utc_now
from service.kit.errors import Error, NotFound
from service.ledger.ledger import Ledger
from service.storage import DeliveryRow, JobRow, Repositories, WebhookRow

log = structlog.get_logger()

PAUSES = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""Seconds before each further attempt, as the specification suggests. After the last one the message is given up."""
DEAD_KEPT = dt.timedelta(days=30)

_LEASE = dt.timedelta(seconds=120)  # far longer than an attempt takes
_GONE = 410
"""What an endpoint answers that wants no more messages."""


class NotDelivered(Exception):
    """A message was not taken, and why."""


class Send(Protocol):
    """Sends a signed message to a webhook."""

    def __call__(self, url: str, body: bytes, headers: dict[str, str]) -> int:
        """The status of the answer. Raises NotDelivered."""


class Deliveries:
    """The messages of one installation. Safe to share between threads and processes."""

    def __init__(
        self,
        ledger: Ledger,
        webhooks: Webhooks,
        send: Send,
        kept: dt.timedelta,
        clock: Callable[[], dt.datetime] = utc_now,
    ) -> None:
        """`kept`: how long a message is kept once it was sent."""
        self._ledger = ledger
        self._webhooks = webhooks
        self._send = send
        self._kept = kept
        self._clock = clock

    def announce(self, stored: Repositories, row: JobRow) -> None:
        """In the transaction that ends a job: tell its tenant, if it has a webhook."""
        webhook = stored.webhooks.of(row.tenant or "")
        tenant = stored.tenants.get(row.tenant) if row.tenant else None
        if webhook is None or (tenant is not None and tenant.removed_at is not None):
            return
        now = self._clock()
        message = {"type": f"job.{row.status}", "timestamp": stamp(now), "data": job_of(row).model_dump(mode="json")}
        body = json.dumps(message, separators=(",", ":"))
        stored.deliveries.add(DeliveryRow(f"msg_{uuid.uuid4().hex}", webhook.id, row.id, body, now, now))

    def deliver_next(self, owner: str) -> bool:
        """Send one message; False if there is none to send. Raises Unavailable."""
        now = self._clock()
        with self._ledger.read() as stored:
            if stored.deliveries.next(now) is None:
                return False
        with self._ledger.write() as stored:
            stored.deliveries.delete_expired(now)
            row = stored.deliveries.next(now)
            if row is None:
                return False
            stored.deliveries.begin(row.id, owner, now + _LEASE)
            webhook = stored.webhooks.get(row.webhook)
        if webhook is not None:
            self._deliver(row, webhook, owner)
        return True

    def dead_letters(self) -> list[DeliveryRow]:
        """Messages that were given up, oldest first."""
        with self._ledger.read() as stored:
            return stored.deliveries.in_state("dead")

    def send_again(self, number: str) -> None:
        """Let a message that was given up be tried from the start. Raises NotFound, Unavailable."""
        with self._ledger.write() as stored:
            if not stored.deliveries.send_again(number, self._clock()):
                raise NotFound("there is no such dead letter", hint="See `countermark jobs dead-letters`.")

    def _deliver(self, row: DeliveryRow, webhook: WebhookRow, owner: str) -> None:
        outcome, sent, gone = self._attempt(row, webhook)
        now, attempts = self._clock(), row.attempts + 1
        log.info("webhook_sent" if sent else "webhook_failed", message=row.id, attempt=attempts, outcome=outcome)
        with self._ledger.write() as stored:
            if sent:
                stored.deliveries.settle(row.id, owner, "sent", outcome, expires_at=now + self._kept)
            elif gone or attempts > len(PAUSES):
                stored.deliveries.settle(row.id, owner, "dead", outcome, expires_at=now + DEAD_KEPT)
            else:
                pause = dt.timedelta(seconds=PAUSES[attempts - 1] * random.uniform(1.0, 1.2))
                stored.deliveries.settle(row.id, owner, "pending", outcome, not_before=now + pause)
                # What does not answer is not asked for each of a thousand messages.
                stored.deliveries.postpone(webhook.id, now + dt.timedelta(seconds=PAUSES[0]))

    def _attempt(self, row: DeliveryRow, webhook: WebhookRow) -> tuple[str, bool, bool]:
        """What became of it, whether it was taken, and whether no message is wanted any more."""
        try:
            status = self._send(webhook.url, row.body.encode(), self._signed(row, webhook))
        except NotDelivered as fault:
            return str(fault), False, False
        except Error as fault:  # a secret that cannot be opened
            return fault.code, False, False
        return f"status {status}", 200 <= status < 300, status == _GONE

    def _signed(self, row: DeliveryRow, webhook: WebhookRow) -> dict[str, str]:
        now = self._clock()
        signature = Signer(self._webhooks.secret(webhook)).sign(row.id, now.astimezone(dt.UTC), row.body)
        return {
            "Content-Type": "application/json",
            "User-Agent": f"Countermark/{__version__}",
            "webhook-id": row.id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": signature,
        }
