"""Keys of tenants: each with a label, scopes, an expiry and limits. Of a key the database has only a digest.

A key is replaced without a gap: the new one is made first, and the old one works on for a while. What was used of its
quotas counts for both.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Literal, cast

from pydantic import BaseModel, ConfigDict, Field, field_validator

from service.access.key_text import ID_LENGTH, digest, fresh_key, key_id
from service.access.limits import Limits
from service.access.scopes import ALL_SCOPES, TENANT_SCOPES, KeyScope
from service.kit.clock import stamp, utc_now
from service.kit.errors import BadRequest, NotFound
from service.ledger.ledger import Ledger
from service.storage import ApiKeyRow, Repositories

KeyState = Literal["active", "expired", "revoked"]

LONGEST_OVERLAP = dt.timedelta(days=30)


class KeyTerms(BaseModel):
    """What a key is for, how long, and how much."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: str = Field("", max_length=100, description="What the key is for, to tell it from others; not secret.")
    scopes: tuple[KeyScope, ...] = Field(TENANT_SCOPES, min_length=1, description="What the key may be used for.")
    lifetime_days: int | None = Field(None, ge=1, le=3650, description="Days until the key expires.")
    requests_per_minute: int | None = Field(None, ge=1, le=100_000, description="Requests a minute.")
    images_per_day: int | None = Field(None, ge=1, le=10_000_000, description="Images a day, in UTC.")
    images_per_month: int | None = Field(None, ge=1, le=100_000_000, description="Images a month, in UTC.")
    examinations_per_day: int | None = Field(None, ge=1, le=10_000_000, description="Examined files a day, in UTC.")
    examinations_per_month: int | None = Field(None, ge=1, le=100_000_000, description="The same a month.")

    @field_validator("label")
    @classmethod
    def _printable(cls, label: str) -> str:
        if not label.isprintable():
            raise ValueError("a label has no control characters")
        return label

    @field_validator("scopes")
    @classmethod
    def _each_once(cls, scopes: tuple[KeyScope, ...]) -> tuple[KeyScope, ...]:
        return tuple(scope for scope in ALL_SCOPES if scope in scopes)

    @property
    def limits(self) -> Limits:
        return Limits(**{name: getattr(self, name) for name in asdict(Limits())})


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as the operator sees it. Nobody can see the key itself again; `id` is how it begins."""

    id: str
    tenant: str
    label: str
    state: KeyState
    scopes: tuple[KeyScope, ...]
    created_at: str
    expires_at: str | None
    revoked_at: str | None
    last_used_at: str | None
    replaced_by: str | None
    limits: Limits


@dataclass(frozen=True, slots=True)
class Keyed:
    """A tenant's new key, shown only once. Kept out of `repr`: it must not reach a log."""

    name: str
    key: str

    @property
    def id(self) -> str:
        """How the key begins."""
        return key_id(self.key)

    def __repr__(self) -> str:
        return f"Keyed(name={self.name!r}, key='{self.key[:ID_LENGTH]}...')"


class ApiKeys:
    """The keys of one installation's tenants. Safe to share between threads and processes."""

    def __init__(self, ledger: Ledger, clock: Callable[[], dt.datetime] = utc_now) -> None:
        self._ledger = ledger
        self._clock = clock

    def add(self, tenant: str, terms: KeyTerms) -> Keyed:
        """Create a further key of a tenant. Raises NotFound, Unavailable."""
        key, now = fresh_key(), self._clock()
        with self._ledger.decision("tenant", tenant) as transaction:
            found = transaction.tenants.get(tenant)
            if found is None or found.removed_at is not None:
                raise NotFound("there is no such tenant", hint="See `countermark tenants list`.")
            row = new_row(tenant, key, terms, now)
            transaction.api_keys.add(row)
            transaction.record(action="key_added", **recorded(row))
        return Keyed(tenant, key)

    def rotate(self, id_: str, overlap: dt.timedelta) -> Keyed:
        """Create a key that replaces another, with the same label, scopes, lifetime and limits. The old one works for
        `overlap` longer; with none it ends now.

        Raises:
            BadRequest: the overlap is negative or longer than LONGEST_OVERLAP, or the key was replaced before.
            NotFound: there is no such key, or it has ended.
            Unavailable: it could not be stored.
        """
        if not dt.timedelta() <= overlap <= LONGEST_OVERLAP:
            raise BadRequest(f"the overlap is at most {LONGEST_OVERLAP.days} days")
        key, now = fresh_key(), self._clock()
        with self._ledger.decision("tenant", self._tenant_of(id_)) as transaction:
            old = _replaceable(transaction, id_, now)
            row = successor(old, key, now)
            transaction.api_keys.add(row)
            ends = now + overlap if old.expires_at is None else min(old.expires_at, now + overlap)
            transaction.api_keys.replace(old.id, row.id, ends)
            if not overlap:
                transaction.api_keys.revoke(old.id, now)
            transaction.record(action="key_rotated", replaced=old.id, **recorded(row))
        return Keyed(row.tenant, key)

    def revoke(self, id_: str) -> None:
        """End a key for good, now; images that are being generated with it are not released.

        Raises NotFound, Unavailable.
        """
        with self._ledger.decision("tenant", self._tenant_of(id_)) as transaction:
            if not transaction.api_keys.revoke(id_, self._clock()):
                raise NotFound("this key was revoked before")
            transaction.record(action="key_revoked", key=id_)

    def list(self, tenant: str | None = None) -> list[ApiKey]:
        """Every key that there is or was, or those of a tenant, oldest first. Raises NotFound for no tenant."""
        now = self._clock()
        with self._ledger.read() as stored:
            if tenant is not None and stored.tenants.get(tenant) is None:
                raise NotFound("there is no such tenant", hint="See `countermark tenants list`.")
            rows = stored.api_keys.all() if tenant is None else stored.api_keys.of_tenant(tenant)
        return [_shown(row, now) for row in rows]

    def _tenant_of(self, id_: str) -> str:
        """Raises NotFound; a whole key in place of its id is not looked up and not repeated."""
        with self._ledger.read() as stored:
            row = stored.api_keys.get(id_) if len(id_) <= ID_LENGTH and id_.isprintable() else None
        if row is None:
            raise NotFound("there is no such key", hint="See `countermark tenants keys list`.")
        return row.tenant


def new_row(tenant: str, key: str, terms: KeyTerms, now: dt.datetime) -> ApiKeyRow:
    """The row of a first key."""
    return ApiKeyRow(
        id=key_id(key),
        tenant=tenant,
        digest=digest(key),
        lineage=key_id(key),
        label=terms.label,
        scopes=terms.scopes,
        created_at=now,
        expires_at=None if terms.lifetime_days is None else now + dt.timedelta(days=terms.lifetime_days),
        **asdict(terms.limits),
    )


def successor(old: ApiKeyRow, key: str, now: dt.datetime) -> ApiKeyRow:
    """The row of a key that replaces another."""
    lifetime = None if old.expires_at is None else old.expires_at - old.created_at
    return ApiKeyRow(
        id=key_id(key),
        tenant=old.tenant,
        digest=digest(key),
        lineage=old.lineage,
        label=old.label,
        scopes=old.scopes,
        created_at=now,
        expires_at=None if lifetime is None else now + lifetime,
        **asdict(limits_of(old)),
    )


def recorded(row: ApiKeyRow) -> dict[str, object]:
    """What a decision says of a new key. No label: it may name a person."""
    limits = {name: most for name, most in asdict(limits_of(row)).items() if most is not None}
    expires = {"expires_at": stamp(row.expires_at)} if row.expires_at else {}
    return {"key": row.id, "scopes": list(row.scopes), **expires, **({"key_limits": limits} if limits else {})}


def state_of(row: ApiKeyRow, now: dt.datetime) -> KeyState:
    """Whether a key works."""
    if row.revoked_at is not None:
        return "revoked"
    return "expired" if row.expires_at is not None and row.expires_at <= now else "active"


def limits_of(row: ApiKeyRow) -> Limits:
    """The limits of a key."""
    return Limits(**{name: getattr(row, name) for name in asdict(Limits())})


def scopes_of(row: ApiKeyRow) -> tuple[KeyScope, ...]:
    """The scopes of a key, without those that this version does not know."""
    return cast("tuple[KeyScope, ...]", tuple(scope for scope in row.scopes if scope in ALL_SCOPES))


def _replaceable(stored: Repositories, id_: str, now: dt.datetime) -> ApiKeyRow:
    """Raises NotFound for a key that has ended, BadRequest for one that was replaced."""
    old = stored.api_keys.get(id_)
    if old is None or state_of(old, now) != "active":
        raise NotFound("this key has ended", hint="Add a new one: `countermark tenants keys add`.")
    if old.replaced_by is not None:
        raise BadRequest(f"this key was replaced by {old.replaced_by}", hint="Rotate that one.")
    return old


def _shown(row: ApiKeyRow, now: dt.datetime) -> ApiKey:
    return ApiKey(
        id=row.id,
        tenant=row.tenant,
        label=row.label,
        state=state_of(row, now),
        scopes=scopes_of(row),
        created_at=stamp(row.created_at),
        expires_at=stamp(row.expires_at) if row.expires_at else None,
        revoked_at=stamp(row.revoked_at) if row.revoked_at else None,
        last_used_at=stamp(row.last_used_at) if row.last_used_at else None,
        replaced_by=row.replaced_by,
        limits=limits_of(row),
    )
