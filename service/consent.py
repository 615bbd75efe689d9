"""The consent registry: whose face is known, what they allowed, and what was made of it.

A Subject is a person with face templates; no photo is kept. Name and templates are sealed under a key of the
subject's own, so that erasing the key erases them. A Grant says what a grantee may do with the likeness and until
when, and yields a signed Receipt. The decision chain holds numbers and digests only.
"""

import base64
import datetime as dt
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection, Row, func, select

from detectors import DIMENSIONS, Templates
from service.blocklist import WITHDRAWN, Blocklist
from service.errors import BadRequest, LikenessRefused, NotFound
from service.hashlists import LEAST_QUALITY, Listed
from service.ledger import Ledger
from service.receipts import Signer, digest
from service.references import fresh_pin, fresh_reference, hash_pin, right_pin
from service.storage import decisions, grants, reading, scrub, subjects, templates, uses
from service.vault import Sealed, Vault

Scope = Literal["portrait", "edit", "style", "commercial"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
State = Literal["live", "revoked", "expired"]
GrantNumber = Annotated[str, Field(pattern=r"^G(-[0-9A-HJKMNP-TV-Z]{4}){4}$")]
"""A grant's number, and nothing that somebody may have put in its place: it is recorded for good."""
LONGEST_GRANT = dt.timedelta(days=366 * 5)

Embedding = NDArray[np.float32]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class Enrolled(_Part):
    """A new subject. The PIN is shown this once; with it the person sees and ends what is done with the likeness."""

    subject: str
    pin: str
    templates: int
    protected: bool


class Grant(_Part):
    """What a subject allowed, and whether it still holds."""

    id: str
    subject: str
    purpose: str
    scopes: list[Scope]
    grantee: str
    created_at: str
    expires_at: str
    revoked_at: str | None
    state: State
    receipt: str = Field(description="JWS, compact; check it with the key at /v1/consent/keys.")
    receipt_digest: str = Field(description="SHA-256 of the receipt, as it stands in manifests.")


class Use(_Part):
    """An image that was made under a grant."""

    grant: str
    content_id: str
    at: str
    withdrawn_at: str | None


@dataclass(frozen=True, slots=True)
class Subject:
    """A subject without what is personal."""

    id: str
    created_at: str
    retain_until: str | None
    protected: bool
    erased_at: str | None


@dataclass(frozen=True, slots=True)
class Known:
    """The templates to search, and the subject of each row."""

    templates: Templates
    owners: tuple[str, ...]


def utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class Consent:
    """Subjects and grants of one installation. Safe to share between threads and processes."""

    def __init__(
        self,
        ledger: Ledger,
        blocklist: Blocklist,
        vault: Vault,
        signer: Signer,
        clock: Callable[[], dt.datetime] = utc_now,
    ) -> None:
        self._ledger = ledger
        self._blocklist = blocklist
        self._vault = vault
        self.signer = signer
        self._clock = clock
        self._known: tuple[object, Known] | None = None

    # Subjects

    def enrol(
        self,
        name: str,
        embeddings: Sequence[Embedding],
        model: str,
        *,
        protected: bool = True,
        retain: dt.timedelta | None = None,
    ) -> Enrolled:
        """Store a subject with face templates (float32, (128,)) of the model with that digest.

        `protected`: pictures that show this face are refused where no grant covers them. `retain`: after that time
        `purge` erases the subject.

        Raises:
            BadRequest: no template, or one that is none.
            Unavailable: it could not be stored.
        """
        until = _stamp(self._clock() + retain) if retain else None
        ready = self._prepare(name, embeddings, model, protected=protected, until=until)
        content = {"action": "enrolled", "templates": ready.told.templates, "protected": protected}
        self._record(ready.told.subject, content, ready.write)
        return ready.told

    def _prepare(
        self, name: str, embeddings: Sequence[Embedding], model: str, *, protected: bool, until: str | None
    ) -> "_Ready":
        if not embeddings or any(e.dtype != np.float32 or e.shape != (DIMENSIONS,) for e in embeddings):
            raise BadRequest("a subject needs face templates", hint="Send photos that show the face clearly.")
        number, pin = fresh_reference("S"), fresh_pin()
        salt, pin_hash = hash_pin(pin)
        sealed = self._vault.seal({"name": name}, number)
        row = {
            "id": number, "created_at": _stamp(self._clock()), "retain_until": until, "protected": protected,
            "pin_salt": salt, "pin_hash": pin_hash, "wrapped_key": sealed.wrapped_key, "sealed": sealed.box,
        }  # fmt: skip
        faces = [
            {"subject": number, "model": model, "sealed": self._vault.reseal(sealed, _as_text(e), number).box}
            for e in embeddings
        ]
        return _Ready(Enrolled(subject=number, pin=pin, templates=len(faces), protected=protected), row, faces)

    def check_pin(self, subject: str, pin: str) -> None:
        """Raises NotFound for a wrong subject or PIN, without telling which."""
        row = self._find(subject)
        salt, expected = (row.pin_salt, row.pin_hash) if row else (bytes(16), bytes(32))
        if not right_pin(pin, salt, expected) or row is None:  # the same work for both
            raise NotFound("there is no such subject under this PIN", hint="Check the number and the PIN.")

    def name(self, subject: str) -> str:
        """The subject's name. Raises NotFound where there is none any more."""
        row = self._need(subject)
        return self._vault.open(Sealed(row.wrapped_key, row.sealed), subject)["name"]

    def everybody(self) -> list[Subject]:
        """Every subject, erased ones too, oldest first."""
        columns = (subjects.c[field] for field in Subject.__dataclass_fields__)
        with reading(self._ledger.engine) as connection:
            rows = connection.execute(select(*columns).order_by(subjects.c.created_at, subjects.c.id)).all()
        return [Subject(**row._mapping) for row in rows]

    def erase(self, subject: str) -> None:
        """Shred name and templates and revoke every grant. Receipts and image numbers stay; they name nobody.

        Raises NotFound where it was erased before, or never was.
        """
        self._need(subject)
        now = _stamp(self._clock())
        gone = {"wrapped_key": None, "sealed": None, "erased_at": now, "protected": False}

        def write(connection: Connection) -> None:
            _check_here(connection, subject)
            connection.execute(subjects.update().where(subjects.c.id == subject).values(**gone))
            connection.execute(templates.delete().where(templates.c.subject == subject))
            open_ = (grants.c.subject == subject) & grants.c.revoked_at.is_(None)
            connection.execute(grants.update().where(open_).values(revoked_at=now))

        self._record(subject, {"action": "erased"}, write)
        scrub(self._ledger.engine)

    def purge(self) -> list[str]:
        """Erase every subject whose retention is over, and return their numbers."""
        now = _stamp(self._clock())
        over = [s.id for s in self.everybody() if s.retain_until and s.retain_until <= now and not s.erased_at]
        for subject in over:
            self.erase(subject)
        return over

    # Grants

    def grant(self, subject: str, purpose: str, scopes: Sequence[Scope], grantee: str, lasts: dt.timedelta) -> Grant:
        """Store what a subject allowed.

        Raises:
            NotFound: there is no such subject.
            BadRequest: no scope, an unknown one, or a time that is none.
        """
        self._need(subject)
        if not scopes or set(scopes) - set(SCOPES):
            raise BadRequest("a grant needs known scopes", hint=f"Choose from {', '.join(SCOPES)}.")
        if not dt.timedelta(0) < lasts <= LONGEST_GRANT:
            raise BadRequest("a grant lasts from a moment to five years", hint="Choose another time.")
        if not (0 < len(purpose) <= 200 and 0 < len(grantee) <= 100):
            raise BadRequest("purpose and grantee are 1 to 200 and 1 to 100 characters", hint="Shorten them.")
        number, now = fresh_reference("G"), self._clock().replace(microsecond=0)
        named = [scope for scope in SCOPES if scope in scopes]
        receipt = self.signer.sign(number, subject, purpose, list(named), grantee, now, now + lasts)
        row = {
            "id": number, "subject": subject, "purpose": purpose, "scopes": " ".join(named), "grantee": grantee,
            "created_at": _stamp(now), "expires_at": _stamp(now + lasts),
            "receipt": receipt, "receipt_digest": digest(receipt),
        }  # fmt: skip

        def write(connection: Connection) -> None:
            _check_here(connection, subject)
            connection.execute(grants.insert().values(**row))

        self._record(subject, {"action": "granted", "grant": number, "receipt": digest(receipt)}, write)
        return self.of(number)

    def revoke(self, grant: str) -> Grant:
        """End a grant now, if it has not ended before; what renders under it is not released. Raises NotFound."""
        found = self.of(grant)
        if found.revoked_at is not None:
            return found
        now = _stamp(self._clock())

        def write(connection: Connection) -> None:
            open_ = (grants.c.id == grant) & grants.c.revoked_at.is_(None)
            connection.execute(grants.update().where(open_).values(revoked_at=now))

        self._record(found.subject, {"action": "revoked", "grant": grant}, write)
        return self.of(grant)

    def of(self, grant: str) -> Grant:
        """One grant. Raises NotFound."""
        with reading(self._ledger.engine) as connection:
            row = connection.execute(select(grants).where(grants.c.id == grant)).first()
        if row is None:
            raise NotFound("there is no such grant", hint="Check the number.")
        return self._grant(row)

    def grants_of(self, subject: str) -> list[Grant]:
        """Every grant of a subject, oldest first."""
        query = select(grants).where(grants.c.subject == subject).order_by(grants.c.created_at, grants.c.id)
        with reading(self._ledger.engine) as connection:
            return [self._grant(row) for row in connection.execute(query)]

    def permitted(self, wanted: Sequence[str], scope: Scope, grantee: str) -> list[Grant]:
        """The named grants, all live, for this scope and grantee.

        Raises:
            LikenessRefused: one does not exist, has ended, or allows something else.
        """
        return [self._permitted(number, scope, grantee) for number in dict.fromkeys(wanted)]

    # Uses

    def using(self, connection: Connection, wanted: Sequence[str], content_id: str) -> None:
        """Note in an open transaction that an image was made under these grants.

        Raises:
            LikenessRefused: one of them was revoked or has expired meanwhile.
        """
        now = _stamp(self._clock())
        for number in wanted:
            live = (grants.c.id == number) & grants.c.revoked_at.is_(None) & (grants.c.expires_at > now)
            if connection.execute(select(grants.c.id).where(live)).first() is None:
                raise LikenessRefused(f"grant {number} ended while the image was made", stage="issue")
            connection.execute(uses.insert().values(grant=number, content_id=content_id, at=now))

    def uses_of(self, subject: str) -> list[Use]:
        """Every image made under the subject's grants, oldest first."""
        query = select(uses).join(grants, grants.c.id == uses.c.grant).where(grants.c.subject == subject)
        with reading(self._ledger.engine) as connection:
            return [Use(**row._mapping) for row in connection.execute(query.order_by(uses.c.at))]

    def withdraw(self, subject: str, content_id: str) -> None:
        """Block an image that was made under the subject's grants, and all that looks like it.

        Raises:
            NotFound: no such image was made under them.
        """
        image = self._ledger.by_content_id(content_id)
        if image is None or content_id not in {use.content_id for use in self.uses_of(subject)}:
            raise NotFound("no such image was made under this subject's grants", hint="List them first.")
        hashes = [Listed("sha256", image.sha256, "")]
        if image.fingerprint_quality >= LEAST_QUALITY:  # a picture with few features looks like many others
            hashes.append(Listed("pdq", image.fingerprint.hex(), ""))
        now = _stamp(self._clock())

        def write(connection: Connection) -> None:
            connection.execute(uses.update().where(uses.c.content_id == content_id).values(withdrawn_at=now))
            self._blocklist.adding(connection, hashes, WITHDRAWN, subject, active=True)

        self._record(subject, {"action": "withdrawn", "content_id": content_id}, write)

    # Search

    def protected(self, model: str) -> Known:
        """The templates of every protected subject made by the model with this digest; read again after any change."""
        newest = select(func.max(decisions.c.seq)).where(decisions.c.kind == "consent")
        wanted = select(templates, subjects.c.wrapped_key).join(subjects, subjects.c.id == templates.c.subject)
        chosen = wanted.where(subjects.c.protected & (templates.c.model == model)).order_by(templates.c.id)
        with reading(self._ledger.engine) as connection:
            # Every change is a decision in the same transaction. It is looked for first: what is read after it may be
            # newer, and is then read once more.
            state = (connection.execute(newest).scalar_one(), model)
            kept = self._known
            if kept is not None and kept[0] == state:
                return kept[1]
            known = self._opened(connection.execute(chosen).all())
        self._known = (state, known)
        return known

    def other_models(self, model: str) -> int:
        """How many templates of protected subjects another model made: they cannot be compared with this one's."""
        query = select(func.count()).select_from(templates.join(subjects, subjects.c.id == templates.c.subject))
        with reading(self._ledger.engine) as connection:
            return int(
                connection.execute(query.where(subjects.c.protected & (templates.c.model != model))).scalar_one()
            )

    def anybody(self) -> bool:
        """There is a protected subject."""
        with reading(self._ledger.engine) as connection:
            return connection.execute(select(subjects.c.id).where(subjects.c.protected).limit(1)).first() is not None

    def templates_of(self, subject: str, model: str) -> Templates:
        """One subject's templates by this model. Raises NotFound where the subject is gone."""
        row = self._need(subject)
        chosen = select(templates).where((templates.c.subject == subject) & (templates.c.model == model))
        with reading(self._ledger.engine) as connection:
            rows = connection.execute(chosen).all()
        sealed = [Sealed(row.wrapped_key, one.sealed) for one in rows]
        return Templates(_stacked([self._embedding(one, subject) for one in sealed]))

    # Moving house

    def export(self) -> str:
        """Every subject with its templates and receipts as JSON. It holds biometric data in clear: guard the file."""
        return json.dumps(
            {"version": 1, "subjects": [self._exported(s.id) for s in self.everybody() if not s.erased_at]}
        )

    def import_(self, text: str) -> list[Enrolled]:
        """Take in what `export` wrote, all or nothing; numbers and PINs are new, grants are not carried over: their
        receipts name another installation.

        Raises:
            BadRequest: it is no export.
        """
        try:
            whole = json.loads(text)
            people = [_Import.model_validate(one) for one in whole["subjects"]]
            ready = [
                self._prepare(
                    p.name, [_from_text(t) for t in p.templates], p.model, protected=p.protected, until=p.retain_until
                )
                for p in people
            ]
        except (ValueError, KeyError, TypeError) as bad:
            raise BadRequest(
                f"this is no export of a registry: {type(bad).__name__}", hint="Nothing was taken in."
            ) from bad

        def write(connection: Connection) -> None:
            for one in ready:
                one.write(connection)

        if ready:
            numbers = [one.told.subject for one in ready]
            self._record("registry", {"action": "imported", "subjects": numbers}, write)
        return [one.told for one in ready]

    def _exported(self, subject: str) -> dict[str, Any]:
        row = self._need(subject)
        with reading(self._ledger.engine) as connection:
            rows = connection.execute(select(templates).where(templates.c.subject == subject)).all()
        opened = [self._vault.open(Sealed(row.wrapped_key, one.sealed), subject)["embedding"] for one in rows]
        return {
            "name": self.name(subject),
            "protected": row.protected,
            "retain_until": row.retain_until,
            "model": rows[0].model,
            "templates": opened,
            "receipts": [grant.receipt for grant in self.grants_of(subject)],
        }

    def _permitted(self, number: str, scope: Scope, grantee: str) -> Grant:
        try:
            grant = self.of(number)
        except NotFound as unknown:
            raise LikenessRefused(unknown.message, stage="admit") from unknown
        if grant.state != "live":
            raise LikenessRefused(f"grant {number} is {grant.state}", stage="admit")
        if scope not in grant.scopes:
            raise LikenessRefused(f"grant {number} does not allow `{scope}`", stage="admit")
        if grant.grantee != grantee:
            raise LikenessRefused(f"grant {number} was given to somebody else", stage="admit")
        return grant

    def _grant(self, row: Row[Any]) -> Grant:
        state: State = "live"
        if row.expires_at <= _stamp(self._clock()):
            state = "expired"
        if row.revoked_at is not None:
            state = "revoked"
        return Grant(**{**row._mapping, "scopes": row.scopes.split()}, state=state)

    def _opened(self, rows: Sequence[Row[Any]]) -> Known:
        found = [self._embedding(Sealed(row.wrapped_key, row.sealed), row.subject) for row in rows]
        return Known(Templates(_stacked(found)), tuple(row.subject for row in rows))

    def _embedding(self, sealed: Sealed, subject: str) -> Embedding:
        return _from_text(self._vault.open(sealed, subject)["embedding"])

    def _record(self, subject: str, content: dict[str, Any], write: Callable[[Connection], None]) -> None:
        self._ledger.record("consent", subject, content, write)

    def _find(self, subject: str) -> Row[Any] | None:
        with reading(self._ledger.engine) as connection:
            return connection.execute(select(subjects).where(subjects.c.id == subject)).first()

    def _need(self, subject: str) -> Row[Any]:
        row = self._find(subject)
        if row is None or row.erased_at is not None:
            raise _no_subject()
        return row


def _check_here(connection: Connection, subject: str) -> None:
    """Inside a transaction. Raises NotFound where the subject is erased or never was."""
    here = (subjects.c.id == subject) & subjects.c.erased_at.is_(None)
    if connection.execute(select(subjects.c.id).where(here)).first() is None:
        raise _no_subject()


def _no_subject() -> NotFound:
    return NotFound("there is no such subject", hint="Check the number; it may have been erased.")


@dataclass(frozen=True, slots=True)
class _Ready:
    """A subject that can be stored."""

    told: Enrolled
    row: dict[str, Any]
    faces: list[dict[str, Any]]

    def write(self, connection: Connection) -> None:
        connection.execute(subjects.insert().values(**self.row))
        connection.execute(templates.insert(), self.faces)


class _Import(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str = Field(max_length=200)
    protected: bool
    model: str = Field(pattern=r"^[0-9a-f]{64}$")
    retain_until: str | None = Field(None, max_length=32)
    templates: list[str] = Field(min_length=1, max_length=50)


def _as_text(embedding: Embedding) -> dict[str, str]:
    return {"embedding": base64.b64encode(embedding.astype("<f4").tobytes()).decode()}


def _from_text(text: str) -> Embedding:
    """Raises ValueError where it is no embedding."""
    embedding = np.frombuffer(base64.b64decode(text, validate=True), "<f4").astype(np.float32)
    if embedding.shape != (DIMENSIONS,) or not np.isfinite(embedding).all():
        raise ValueError("no embedding")
    return embedding


def _stacked(embeddings: Sequence[Embedding]) -> Embedding:
    return np.stack(embeddings) if embeddings else np.empty((0, DIMENSIONS), np.float32)


def _stamp(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).isoformat(timespec="seconds")
