"""Signing in at the operator's pages with a key that has the scope `admin`.

A session lives in the database, so it holds for every process and ends when its key does. The browser has a random
token; the database has its digest.
"""

import datetime as dt
import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from service.access.api_keys import scopes_of, state_of
from service.access.tenants import Tenants
from service.kit.clock import utc_now
from service.ledger.ledger import Ledger
from service.storage import ApiKeyRow, OperatorSessionRow, Repositories

log = structlog.get_logger()

LIFETIME = dt.timedelta(hours=8)
_TOKEN_BYTES = 32


@dataclass(frozen=True, slots=True)
class Operator:
    """One of the operator's people. `name`: the tenant and the id of the key, as acts are recorded under it.

    `form_token`: what each form of theirs has to bring along, so that no other site can send it.
    """

    name: str
    form_token: str

    def sent(self, form_token: str) -> bool:
        """Whether a form with this token is from a page that was made for them."""
        return hmac.compare_digest(form_token.encode(), self.form_token.encode())


class OperatorSessions:
    """The sessions of one installation. Safe to share between threads and processes."""

    def __init__(self, ledger: Ledger, tenants: Tenants, clock: Callable[[], dt.datetime] = utc_now) -> None:
        self._ledger = ledger
        self._tenants = tenants
        self._clock = clock

    def sign_in(self, key: str) -> str:
        """Begin a session; the token for the browser.

        Raises:
            Unauthorized, KeyExpired, KeyRevoked: it is not a key, or not any more.
            ScopeMissing: it is not for the operator's pages.
            Unavailable: the database does not answer.
        """
        client = self._tenants.client(key)
        client.check_scope("admin")
        token, now = secrets.token_urlsafe(_TOKEN_BYTES), self._clock()
        with self._ledger.write() as stored:
            stored.operator_sessions.forget(now)
            stored.operator_sessions.add(OperatorSessionRow(_digest(token), client.key, now + LIFETIME))
        log.info("operator_signed_in", key=client.key, tenant=client.name)
        return token

    def operator(self, token: str) -> Operator | None:
        """Who has this token; None if nobody has it, or not any more. It asks the database each time.

        Raises Unavailable.
        """
        now = self._clock()
        with self._ledger.read() as stored:
            session = stored.operator_sessions.get(_digest(token))
            key = stored.api_keys.get(session.key) if session else None
            holds = session is not None and key is not None and session.expires_at > now and _opens(stored, key, now)
        return Operator(f"{key.tenant} {key.id}", _form_token(token)) if holds and key else None

    def sign_out(self, token: str) -> None:
        """End a session. Raises Unavailable."""
        with self._ledger.write() as stored:
            stored.operator_sessions.end(_digest(token))


def _opens(stored: Repositories, key: ApiKeyRow, now: dt.datetime) -> bool:
    tenant = stored.tenants.get(key.tenant)
    here = tenant is not None and tenant.removed_at is None
    return here and state_of(key, now) == "active" and "admin" in scopes_of(key)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _form_token(token: str) -> str:
    """Another token, from which nobody can get the session's."""
    return hashlib.sha256(f"form {token}".encode()).hexdigest()
