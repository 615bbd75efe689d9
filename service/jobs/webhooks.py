"""Webhooks: where tenants are told that their jobs have ended. One of each tenant, chosen by the operator."""

import base64
import datetime as dt
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from service.keys.vault import Sealed, Vault
from service.kit.clock import stamp, utc_now
from service.kit.errors import NotFound
from service.ledger.ledger import Ledger
from service.storage import WebhookRow

_KIND = "whsec_"
_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class Webhook:
    """A webhook as the operator sees it. `tenant` is empty for the installation itself."""

    tenant: str
    url: str
    created_at: str


@dataclass(frozen=True, slots=True)
class NewWebhook:
    """A webhook with its secret, shown only once. Kept out of `repr`: it must not reach a log."""

    tenant: str
    url: str
    secret: str

    def __repr__(self) -> str:
        return f"NewWebhook(tenant={self.tenant!r}, url={self.url!r}, secret='{_KIND}...')"


class Webhooks:
    """The webhooks of one installation. Safe to share between threads and processes."""

    def __init__(
        self,
        ledger: Ledger,
        vault: Vault,
        check: Callable[[str], str],
        clock: Callable[[], dt.datetime] = utc_now,
    ) -> None:
        """`check`: the host of an address that can be used; raises BadRequest for any other."""
        self._ledger = ledger
        self._vault = vault
        self._check = check
        self._clock = clock

    def set(self, url: str, tenant: str = "") -> NewWebhook:
        """Tell a tenant (empty: the installation itself) of its jobs at this address, signed with a new secret.

        Raises:
            BadRequest: the address cannot be used.
            NotFound: there is no such tenant.
            Unavailable: it could not be stored.
        """
        host = self._check(url)
        number = secrets.token_hex(16)
        secret = _KIND + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()
        sealed = self._vault.lock(secret.encode(), number)
        row = WebhookRow(number, tenant or None, url, self._clock(), sealed.wrapped_key, sealed.box)
        with self._ledger.decision("webhook", tenant or "operator") as transaction:
            if tenant and ((known := transaction.tenants.get(tenant)) is None or known.removed_at is not None):
                raise NotFound("there is no such tenant", hint="See `countermark tenants list`.")
            transaction.webhooks.set(row)
            transaction.record(action="set", host=host)
        return NewWebhook(tenant, url, secret)

    def remove(self, tenant: str = "") -> None:
        """Tell a tenant nothing any more. Raises NotFound, Unavailable."""
        with self._ledger.decision("webhook", tenant or "operator") as transaction:
            if not transaction.webhooks.remove(tenant):
                raise NotFound("there is no such webhook", hint="See `countermark webhooks list`.")
            transaction.record(action="removed")

    def all(self) -> list[Webhook]:
        """Every webhook, by tenant."""
        with self._ledger.read() as stored:
            return [Webhook(row.tenant or "", row.url, stamp(row.created_at)) for row in stored.webhooks.all()]

    def secret(self, row: WebhookRow) -> str:
        """What signs its messages. Raises Misconfigured if it cannot be opened."""
        return self._vault.unlock(Sealed(row.wrapped_key, row.sealed), row.id).decode()
