"""People: enrolled under a number, with a name and face templates sealed under a key of their own, and erased."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import Connection, Row, select

from detectors import DIMENSIONS
from service.keys.vault import Sealed, Vault
from service.kit.case_numbers import fresh_pin, fresh_reference, hash_pin, right_pin
from service.kit.clock import stamp, utc_now
from service.kit.errors import BadRequest, NotFound
from service.ledger.ledger import Ledger
from service.likeness.schemas import Embedding, Enrolled, Subject, as_text
from service.storage import grants, reading, scrub, subjects, templates


class Subjects:
    """The people of one installation. Safe to share between threads and processes."""

    def __init__(self, ledger: Ledger, vault: Vault, clock: Callable[[], dt.datetime] = utc_now) -> None:
        self._ledger = ledger
        self._vault = vault
        self._clock = clock
        self._erased: list[Callable[[], None]] = []

    def when_erased(self, tell: Callable[[], None]) -> None:
        """Call `tell` after each erasure by this process: whoever keeps something opened forgets it then."""
        self._erased.append(tell)

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
        until = stamp(self._clock() + retain) if retain else None
        ready = self.prepare(name, embeddings, model, protected=protected, until=until)
        content = {"action": "enrolled", "templates": ready.told.templates, "protected": protected}
        self._record(ready.told.subject, content, ready.write)
        return ready.told

    def prepare(
        self, name: str, embeddings: Sequence[Embedding], model: str, *, protected: bool, until: str | None
    ) -> "PreparedTemplates":
        """A subject that can be stored, alone or with others. Raises BadRequest as `enrol`."""
        if not embeddings or any(e.dtype != np.float32 or e.shape != (DIMENSIONS,) for e in embeddings):
            raise BadRequest("a subject needs face templates", hint="Send photos that show the face clearly.")
        number, pin = fresh_reference("S"), fresh_pin()
        salt, pin_hash = hash_pin(pin)
        sealed = self._vault.seal({"name": name}, number)
        row = {
            "id": number, "created_at": stamp(self._clock()), "retain_until": until, "protected": protected,
            "pin_salt": salt, "pin_hash": pin_hash, "wrapped_key": sealed.wrapped_key, "sealed": sealed.box,
        }  # fmt: skip
        boxes = [self._vault.reseal(sealed, {"embedding": as_text(each)}, number).box for each in embeddings]
        faces = [{"subject": number, "model": model, "sealed": box} for box in boxes]
        return PreparedTemplates(
            Enrolled(subject=number, pin=pin, templates=len(faces), protected=protected), row, faces
        )

    def check_pin(self, subject: str, pin: str) -> None:
        """Raises NotFound for a wrong subject or PIN, without telling which."""
        row = self._find(subject)
        salt, expected = (row.pin_salt, row.pin_hash) if row else (bytes(16), bytes(32))
        if not right_pin(pin, salt, expected) or row is None:  # the same work for both
            raise NotFound("there is no such subject under this PIN", hint="Check the number and the PIN.")

    def name(self, subject: str) -> str:
        """The subject's name. Raises NotFound where there is none any more."""
        row = self.row(subject)
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
        self.row(subject)
        now = stamp(self._clock())
        gone = {"wrapped_key": None, "sealed": None, "erased_at": now, "protected": False}

        def write(connection: Connection) -> None:
            check_here(connection, subject)
            connection.execute(subjects.update().where(subjects.c.id == subject).values(**gone))
            connection.execute(templates.delete().where(templates.c.subject == subject))
            open_ = (grants.c.subject == subject) & grants.c.revoked_at.is_(None)
            connection.execute(grants.update().where(open_).values(revoked_at=now))

        self._record(subject, {"action": "erased"}, write)
        for tell in self._erased:
            tell()
        scrub(self._ledger.engine)

    def purge(self) -> list[str]:
        """Erase every subject whose retention is over, and return their numbers."""
        now = stamp(self._clock())
        over = [s.id for s in self.everybody() if s.retain_until and s.retain_until <= now and not s.erased_at]
        for subject in over:
            self.erase(subject)
        return over

    def _find(self, subject: str) -> Row[Any] | None:
        with reading(self._ledger.engine) as connection:
            return connection.execute(select(subjects).where(subjects.c.id == subject)).first()

    def row(self, subject: str) -> Row[Any]:
        """The subject's row. Raises NotFound where it is erased or never was."""
        row = self._find(subject)
        if row is None or row.erased_at is not None:
            raise no_subject()
        return row

    def _record(self, subject: str, content: dict[str, Any], write: Callable[[Connection], None]) -> None:
        self._ledger.record("consent", subject, content, write)


def check_here(connection: Connection, subject: str) -> None:
    """Inside a transaction. Raises NotFound where the subject is erased or never was."""
    here = (subjects.c.id == subject) & subjects.c.erased_at.is_(None)
    if connection.execute(select(subjects.c.id).where(here)).first() is None:
        raise no_subject()


def no_subject() -> NotFound:
    return NotFound("there is no such subject", hint="Check the number; it may have been erased.")


@dataclass(frozen=True, slots=True)
class PreparedTemplates:
    """A subject that can be stored: what its person is told, and the rows."""

    told: Enrolled
    row: dict[str, Any]
    faces: list[dict[str, Any]]

    def write(self, connection: Connection) -> None:
        connection.execute(subjects.insert().values(**self.row))
        connection.execute(templates.insert(), self.faces)
