"""Tenants: clients with a name, limits of their own, and API keys.

Once there is a tenant, every order over HTTP needs a key, and this stays so when the last tenant is removed: an API
that opens to everybody because a row is missing would fail open. A name is given only once: grants name their grantee,
and a newcomer must not inherit them.
"""

import datetime as dt
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated

import structlog
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from service.access.api_keys import (
    Keyed,
    KeyTerms,
    limits_of,
    new_row,
    recorded,
    scopes_of,
    state_of,
    successor,
)
from service.access.client import OPERATOR, Client
from service.access.key_text import digest, fresh_key, is_mistyped, key_id
from service.kit.clock import stamp, utc_now
from service.kit.errors import (
    BadRequest,
    ClientRemoved,
    KeyExpired,
    KeyRevoked,
    NotFound,
    Unauthorized,
    Unavailable,
)
from service.ledger.ledger import Ledger
from service.storage import ApiKeyRow, Repositories, TenantRow

log = structlog.get_logger()

_NO_DIGEST = bytes(len(digest("")))
_USE_NOTED = dt.timedelta(minutes=1)  # how exactly it is known when a key was used last

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]


class Terms(BaseModel):
    """The operator's terms for a tenant. Limits that are not set are the settings'; a laxer one changes nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name = Field(description="The name in grants: up to 64 letters, digits, dots, dashes and underscores.")
    safety_threshold: float | None = Field(None, gt=0, le=1, description="Refuse images from this score.")
    likeness_review_distance: float | None = Field(None, ge=0, le=2, description="Hold faces up to this distance.")
    max_images: int | None = Field(None, ge=1, le=10, description="Largest number of images per request.")


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant as the operator sees it. `prefix` is the id of its newest key, `keys` how many of its keys work."""

    name: str
    prefix: str
    keys: int
    created_at: str
    rotated_at: str | None
    removed_at: str | None
    safety_threshold: float | None
    likeness_review_distance: float | None
    max_images: int | None


class Tenants:
    """The tenants of one installation. Safe to share between threads and processes."""

    def __init__(self, ledger: Ledger, own_name: str, clock: Callable[[], dt.datetime] = utc_now) -> None:
        """`own_name` is the installation's own name in grants; no tenant can have it."""
        self._ledger = ledger
        self._own_name = own_name
        self._clock = clock

    def add(self, terms: Terms, key_terms: KeyTerms | None = None) -> Keyed:
        """Create a tenant and its first key.

        Raises:
            BadRequest: the name is taken, was taken once, or is the installation's own.
            Unavailable: it could not be stored.
        """
        name, key, now = terms.name, fresh_key(), self._clock()
        if name == self._own_name:
            raise BadRequest(f"{name} is this installation's own name in grants", hint="Choose another name.")
        with self._ledger.decision("tenant", name) as transaction:
            if transaction.tenants.get(name) is not None:
                raise BadRequest(
                    f"the name {name} is taken, or was taken once",
                    hint="Choose another: grants made out to a name must not pass to a newcomer.",
                )
            transaction.tenants.add(TenantRow(**terms.model_dump(), created_at=now))
            row = new_row(name, key, key_terms or KeyTerms(), now)
            transaction.api_keys.add(row)
            limits = terms.model_dump(exclude={"name"}, exclude_none=True)
            transaction.record(action="added", limits=limits, **recorded(row))
        return Keyed(name, key)

    def rotate(self, name: str) -> Keyed:
        """Give a tenant with one key a new one; the old one stops working now.

        Raises:
            BadRequest: it has several keys.
            NotFound: there is no such tenant.
            Unavailable: it could not be stored.
        """
        key, now = fresh_key(), self._clock()
        with self._ledger.decision("tenant", name) as transaction:
            _need(transaction.tenants.rotated(name, now))
            old = _only_key(transaction.api_keys.of_tenant(name), now)
            row = successor(old, key, now) if old else new_row(name, key, KeyTerms(), now)
            transaction.api_keys.add(row)
            if old:
                transaction.api_keys.replace(old.id, row.id, now)
                transaction.api_keys.revoke(old.id, now)
            transaction.record(action="rotated", key=row.id)
        return Keyed(name, key)

    def remove(self, name: str) -> None:
        """Revoke a tenant's keys for good; images that are being generated for it are not released.

        Raises NotFound, Unavailable.
        """
        with self._ledger.decision("tenant", name) as transaction:
            now = self._clock()
            _need(transaction.tenants.remove(name, now))
            for row in transaction.api_keys.of_tenant(name):
                transaction.api_keys.revoke(row.id, now)
            transaction.record(action="removed")

    def everybody(self) -> list[Tenant]:
        """Every tenant, removed ones too, oldest first."""
        now = self._clock()
        with self._ledger.read() as stored:
            rows, keys = stored.tenants.all(), stored.api_keys.all()
        return [_tenant(row, [key for key in keys if key.tenant == row.name], now) for row in rows]

    def keys_needed(self) -> bool:
        """There is a tenant, or there was one: orders need a key."""
        with self._ledger.read() as stored:
            return stored.tenants.any()

    def client(self, key: str) -> Client:
        """The client that this key belongs to. It asks the database each time: a revoked key is refused at once.

        Raises:
            KeyExpired, KeyRevoked: the key was one; only whoever has all of it is told so.
            Unauthorized: the key belongs to nobody.
            Unavailable: the database could not be read.
        """
        if is_mistyped(key):
            raise Unauthorized("this key is mistyped: its last six letters do not fit the others")
        with self._ledger.read() as stored:
            row = stored.api_keys.get(key_id(key))
            tenant = stored.tenants.get(row.tenant) if row else None
        expected = row.digest if row is not None and row.digest is not None else _NO_DIGEST
        if not hmac.compare_digest(digest(key), expected) or row is None or tenant is None:
            raise Unauthorized("this key is invalid or was revoked")
        self._check_works(row, tenant)
        self._note_use(row)
        return _client(row, tenant)

    def _check_works(self, row: ApiKeyRow, tenant: TenantRow) -> None:
        """Raises KeyRevoked, KeyExpired."""
        state = state_of(row, self._clock())
        if state == "revoked" or tenant.removed_at is not None:
            raise KeyRevoked("this key was revoked")
        if state == "expired":
            raise KeyExpired(f"this key expired at {stamp(row.expires_at)}" if row.expires_at else "this key expired")

    def _note_use(self, row: ApiKeyRow) -> None:
        """Not for each request: a request that only reads should not wait for writers."""
        now = self._clock()
        if row.last_used_at is not None and now - row.last_used_at < _USE_NOTED:
            return
        try:
            with self._ledger.write() as stored:
                stored.api_keys.used(row.id, now)
        except Unavailable as fault:  # what needs to write will say so itself
            log.warning("key_use_not_noted", key=row.id, error=fault.message)

    def client_again(self, name: str, key: str) -> Client:
        """Who showed a key earlier, with the limits of now. `key`: what `Client.key` named it by.

        Raises:
            ClientRemoved: the tenant was removed meanwhile, or the key has ended.
            Unavailable: the database could not be read.
        """
        if not name:
            return OPERATOR
        with self._ledger.read() as stored:
            check_active(stored, Client(name, key), stage="admit")
            row, tenant = stored.api_keys.get(key), stored.tenants.get(name)
        if row is None or tenant is None:  # as `check_active` has told
            raise _removed("admit")
        return _client(row, tenant)


def check_active(stored: Repositories, client: Client, stage: str = "issue") -> None:
    """In the transaction that issues an image: the client's key still works.

    Raises:
        ClientRemoved: the tenant was removed meanwhile, or the key has ended.
    """
    if not client.name:
        return
    tenant = stored.tenants.get(client.name)
    key = stored.api_keys.get(client.key) if client.key else None
    works = key is not None and key.tenant == client.name and state_of(key, utc_now()) == "active"
    if tenant is None or tenant.removed_at is not None or not (works or client.key == ""):
        raise _removed(stage)


def _removed(stage: str) -> ClientRemoved:
    return ClientRemoved("the key was revoked or expired while the image was generated", stage=stage)


def _need(found: bool) -> None:
    if not found:
        raise NotFound("there is no such tenant", hint="See `countermark tenants list`.")


def _only_key(rows: Sequence[ApiKeyRow], now: dt.datetime) -> ApiKeyRow | None:
    """The one key that works, None where none does. Raises BadRequest where there are several."""
    active = [row for row in rows if state_of(row, now) == "active"]
    if len(active) > 1:
        raise BadRequest(
            f"the tenant has {len(active)} keys", hint="Choose one: `countermark tenants keys rotate KEY`."
        )
    return active[0] if active else None


def _tenant(row: TenantRow, keys: Sequence[ApiKeyRow], now: dt.datetime) -> Tenant:
    active = [key for key in keys if state_of(key, now) == "active"]
    return Tenant(
        name=row.name,
        prefix=next((key.id for key in reversed(active or keys)), ""),
        keys=len(active),
        created_at=stamp(row.created_at),
        rotated_at=stamp(row.rotated_at) if row.rotated_at else None,
        removed_at=stamp(row.removed_at) if row.removed_at else None,
        safety_threshold=row.safety_threshold,
        likeness_review_distance=row.likeness_review_distance,
        max_images=row.max_images,
    )


def _client(row: ApiKeyRow, tenant: TenantRow) -> Client:
    return Client(
        name=tenant.name,
        key=row.id,
        safety_threshold=1.0 if tenant.safety_threshold is None else tenant.safety_threshold,
        review_distance=tenant.likeness_review_distance or 0.0,
        max_images=tenant.max_images,
        scopes=scopes_of(row),
        limits=limits_of(row),
        lineage=row.lineage,
    )
