"""Tenants: clients with a name, an API key and limits of their own. A key is 32 random bytes, kept as a digest.

Once there is a tenant, every order over HTTP needs a key, and this stays so when the last tenant is removed: an API
that opens to everybody because a row is missing would fail open. A name is given only once: grants name their grantee,
and a newcomer must not inherit them.
"""

import datetime as dt
import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from service.access.client import OPERATOR, Client
from service.kit.clock import stamp, utc_now
from service.kit.errors import BadRequest, ClientRemoved, NotFound, Unauthorized
from service.ledger.ledger import Ledger
from service.storage import Repositories, TenantRow

_KIND = "cm_"
_KEY_BYTES = 32
_PREFIX = len(_KIND) + 8  # 48 of the key's 256 bits, for people to tell keys apart
_NO_DIGEST = bytes(hashlib.sha256().digest_size)

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
    """A tenant as the operator sees it. `prefix` is how the key begins; nobody can see the key again."""

    name: str
    prefix: str
    created_at: str
    rotated_at: str | None
    removed_at: str | None
    safety_threshold: float | None
    likeness_review_distance: float | None
    max_images: int | None


@dataclass(frozen=True, slots=True)
class Keyed:
    """A tenant's new key, shown only once. Kept out of `repr`: it must not reach a log."""

    name: str
    key: str

    def __repr__(self) -> str:
        return f"Keyed(name={self.name!r}, key='{self.key[:_PREFIX]}...')"


class Tenants:
    """The tenants of one installation. Safe to share between threads and processes."""

    def __init__(self, ledger: Ledger, own_name: str, clock: Callable[[], dt.datetime] = utc_now) -> None:
        """`own_name` is the installation's own name in grants; no tenant can have it."""
        self._ledger = ledger
        self._own_name = own_name
        self._clock = clock

    def add(self, terms: Terms) -> Keyed:
        """Create a tenant and its key.

        Raises:
            BadRequest: the name is taken, was taken once, or is the installation's own.
            Unavailable: it could not be stored.
        """
        name, key = terms.name, _fresh_key()
        if name == self._own_name:
            raise BadRequest(f"{name} is this installation's own name in grants", hint="Choose another name.")
        row = TenantRow(**terms.model_dump(), prefix=key[:_PREFIX], digest=_digest(key), created_at=self._clock())
        with self._ledger.decision("tenant", name) as transaction:
            if transaction.tenants.get(name) is not None:
                raise BadRequest(
                    f"the name {name} is taken, or was taken once",
                    hint="Choose another: grants made out to a name must not pass to a newcomer.",
                )
            transaction.tenants.add(row)
            limits = terms.model_dump(exclude={"name"}, exclude_none=True)
            transaction.record(action="added", key=row.prefix, limits=limits)
        return Keyed(name, key)

    def rotate(self, name: str) -> Keyed:
        """Give a tenant a new key; the old one stops working now. Raises NotFound, Unavailable."""
        key = _fresh_key()
        prefix = key[:_PREFIX]
        with self._ledger.decision("tenant", name) as transaction:
            _need(transaction.tenants.set_key(name, prefix, _digest(key), self._clock()))
            transaction.record(action="rotated", key=prefix)
        return Keyed(name, key)

    def remove(self, name: str) -> None:
        """Revoke a tenant's key for good; images that are being generated for it are not released.

        Raises NotFound, Unavailable.
        """
        with self._ledger.decision("tenant", name) as transaction:
            _need(transaction.tenants.remove(name, self._clock()))
            transaction.record(action="removed")

    def everybody(self) -> list[Tenant]:
        """Every tenant, removed ones too, oldest first."""
        with self._ledger.read() as stored:
            return [_tenant(row) for row in stored.tenants.all()]

    def keys_needed(self) -> bool:
        """There is a tenant, or there was one: orders need a key."""
        with self._ledger.read() as stored:
            return stored.tenants.any()

    def client(self, key: str) -> Client:
        """The client that this key belongs to. It asks the database each time: a revoked key is refused at once.

        Raises:
            Unauthorized: the key belongs to nobody, or was revoked; the message does not reveal which.
            Unavailable: the database could not be read.
        """
        prefix = key[:_PREFIX] if key.isprintable() else ""  # PostgreSQL accepts no NUL
        with self._ledger.read() as stored:
            row = stored.tenants.by_prefix(prefix)
        expected = row.digest if row is not None and row.digest is not None else _NO_DIGEST
        if not hmac.compare_digest(_digest(key), expected) or row is None:
            raise Unauthorized("this key is invalid or was revoked")
        return _client(row)

    def client_again(self, name: str, key: str) -> Client:
        """Who showed a key earlier, with the limits of now. `key`: what `Client.key` named it by.

        Raises:
            ClientRemoved: the tenant was removed meanwhile, or has another key.
            Unavailable: the database could not be read.
        """
        if not name:
            return OPERATOR
        with self._ledger.read() as stored:
            row = stored.tenants.get(name)
            check_active(stored, Client(name, key), stage="admit")
        if row is None:  # as `check_active` has told
            raise _removed("admit")
        return _client(row)


def check_active(stored: Repositories, client: Client, stage: str = "issue") -> None:
    """In the transaction that issues an image: the client's key is still the one that was used.

    Raises:
        ClientRemoved: the tenant was removed meanwhile, or has another key.
    """
    if not client.name:
        return
    row = stored.tenants.get(client.name)
    if row is None or row.removed_at is not None or client.key not in ("", row.prefix):
        raise _removed(stage)


def _removed(stage: str) -> ClientRemoved:
    return ClientRemoved("the key was revoked while the image was generated", stage=stage)


def _need(found: bool) -> None:
    if not found:
        raise NotFound("there is no such tenant", hint="See `countermark tenants list`.")


def _fresh_key() -> str:
    return _KIND + secrets.token_urlsafe(_KEY_BYTES)


def _digest(key: str) -> bytes:
    """SHA-256. A slow hash is not needed: 256 random bits cannot be guessed."""
    return hashlib.sha256(key.encode()).digest()


def _tenant(row: TenantRow) -> Tenant:
    return Tenant(
        name=row.name,
        prefix=row.prefix,
        created_at=stamp(row.created_at),
        rotated_at=stamp(row.rotated_at) if row.rotated_at else None,
        removed_at=stamp(row.removed_at) if row.removed_at else None,
        safety_threshold=row.safety_threshold,
        likeness_review_distance=row.likeness_review_distance,
        max_images=row.max_images,
    )


def _client(row: TenantRow) -> Client:
    return Client(
        name=row.name,
        key=row.prefix,
        safety_threshold=1.0 if row.safety_threshold is None else row.safety_threshold,
        review_distance=row.likeness_review_distance or 0.0,
        max_images=row.max_images,
    )
