"""Tenants: clients with a name, a key and limits of their own. A key is 32 random bytes, shown once, kept as a digest.

From the first tenant on every order over HTTP needs a key, and that stays so when the last tenant is removed: a door
that opens to everybody because a row is gone would fail open. A name is given once. Grants are made out to names, and
a newcomer must not inherit them.
"""

import datetime as dt
import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy import Connection, Row, select

from service.access.client import Client
from service.kit.clock import stamp, utc_now
from service.kit.errors import BadRequest, ClientRemoved, NotFound, Unauthorized
from service.ledger.ledger import Ledger
from service.storage import reading
from service.storage import tenants as table

_KIND = "cm_"
_KEY_BYTES = 32
_PREFIX = len(_KIND) + 8  # 48 of the key's 256 bits, for people to tell keys apart
_NO_DIGEST = bytes(hashlib.sha256().digest_size)

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]


class Terms(BaseModel):
    """What the operator decides for a tenant. Unset limits are the settings'; a laxer one changes nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name = Field(description="Who they are in grants: letters, digits, dot, dash and underscore, 64 at most.")
    safety_threshold: float | None = Field(None, gt=0, le=1, description="Refuse from this score already.")
    likeness_review_distance: float | None = Field(None, ge=0, le=2, description="Hold faces up to this distance.")
    max_images: int | None = Field(None, ge=1, le=10, description="Largest number of pictures of one request.")


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant as the operator sees it; `prefix` begins the key, which itself nobody can see again."""

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
    """A tenant's new key, shown this once. Kept out of `repr`: it must not reach a log."""

    name: str
    key: str

    def __repr__(self) -> str:
        return f"Keyed(name={self.name!r}, key='{self.key[:_PREFIX]}...')"


class Tenants:
    """The tenants of one installation. Safe to share between threads and processes."""

    def __init__(self, ledger: Ledger, own_name: str, clock: Callable[[], dt.datetime] = utc_now) -> None:
        """`own_name`: who the installation itself is in grants; no tenant can have that name."""
        self._ledger = ledger
        self._own_name = own_name
        self._clock = clock

    def add(self, terms: Terms) -> Keyed:
        """Make a tenant and its key.

        Raises:
            BadRequest: the name is taken, was once, or is the installation's own.
            Unavailable: it could not be stored.
        """
        name, key = terms.name, _fresh_key()
        if name == self._own_name:
            raise BadRequest(f"{name} is this installation's own name in grants", hint="Choose another name.")
        row = {**terms.model_dump(), **_kept(key), "created_at": stamp(self._clock())}
        limits = terms.model_dump(exclude={"name"}, exclude_none=True)

        def write(connection: Connection) -> None:
            if _find(connection, name) is not None:
                raise BadRequest(
                    f"the name {name} is taken, or was once",
                    hint="Choose another: grants made out to a name must not pass to a newcomer.",
                )
            connection.execute(table.insert().values(**row))

        self._record(name, {"action": "added", "key": key[:_PREFIX], "limits": limits}, write)
        return Keyed(name, key)

    def rotate(self, name: str) -> Keyed:
        """Give a tenant a new key; the old one ends now. Raises NotFound, Unavailable."""
        key = _fresh_key()
        self._change(name, {"action": "rotated", "key": key[:_PREFIX]}, "rotated_at", _kept(key))
        return Keyed(name, key)

    def remove(self, name: str) -> None:
        """End a tenant's key for good; what is being drawn for it is not released. Raises NotFound, Unavailable."""
        self._change(name, {"action": "removed"}, "removed_at", {"digest": None})

    def everybody(self) -> list[Tenant]:
        """Every tenant, removed ones too, oldest first."""
        columns = (table.c[field] for field in Tenant.__dataclass_fields__)
        with reading(self._ledger.engine) as connection:
            rows = connection.execute(select(*columns).order_by(table.c.created_at, table.c.name)).all()
        return [Tenant(**row._mapping) for row in rows]

    def keys_needed(self) -> bool:
        """There is a tenant, or there was one: orders need a key."""
        with reading(self._ledger.engine) as connection:
            return connection.execute(select(table.c.name).limit(1)).first() is not None

    def client(self, key: str) -> Client:
        """Whose key this is. Asks the database each time: a key that was ended is refused at once.

        Raises:
            Unauthorized: nobody's, or not any more; the message does not tell which.
            Unavailable: that could not be found out.
        """
        prefix = key[:_PREFIX] if key.isprintable() else ""  # PostgreSQL takes no NUL
        with reading(self._ledger.engine) as connection:
            row = connection.execute(select(table).where(table.c.prefix == prefix)).first()
        expected = row.digest if row is not None and row.digest is not None else _NO_DIGEST
        if not hmac.compare_digest(_digest(key), expected) or row is None:
            raise Unauthorized("this key is not valid, or not any more")
        return _client(row)

    def _change(self, name: str, content: dict[str, Any], moment: str, values: dict[str, Any]) -> None:
        values = {**values, moment: stamp(self._clock())}

        def write(connection: Connection) -> None:
            here = (table.c.name == name) & table.c.removed_at.is_(None)
            if not connection.execute(table.update().where(here).values(**values)).rowcount:
                raise NotFound("there is no such tenant", hint="See `countermark tenants list`.")

        self._record(name, content, write)

    def _record(self, name: str, content: dict[str, Any], write: Callable[[Connection], None]) -> None:
        self._ledger.record("tenant", name, content, write)


def check_here(connection: Connection, client: Client) -> None:
    """Inside a transaction: the client is still one, by the key that was shown.

    Raises:
        ClientRemoved: the tenant was removed meanwhile, or has another key.
    """
    if not client.name:
        return
    row = _find(connection, client.name)
    if row is None or row.removed_at is not None or client.key not in ("", row.prefix):
        raise ClientRemoved("the key was ended while the picture was made", stage="issue")


def _find(connection: Connection, name: str) -> Row[Any] | None:
    return connection.execute(select(table).where(table.c.name == name)).first()


def _fresh_key() -> str:
    return _KIND + secrets.token_urlsafe(_KEY_BYTES)


def _digest(key: str) -> bytes:
    """SHA-256. No slow hash: of 256 random bits nothing can be guessed."""
    return hashlib.sha256(key.encode()).digest()


def _kept(key: str) -> dict[str, Any]:
    return {"prefix": key[:_PREFIX], "digest": _digest(key)}


def _client(row: Row[Any]) -> Client:
    return Client(
        name=row.name,
        key=row.prefix,
        safety_threshold=1.0 if row.safety_threshold is None else row.safety_threshold,
        review_distance=row.likeness_review_distance or 0.0,
        max_images=row.max_images,
    )
