"""People: enrolled under an id, with a name and face templates sealed under their own key, and erased again."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from detectors import DIMENSIONS
from service.keys.vault import Sealed, Vault
from service.kit.case_numbers import hash_pin, new_case_number, new_pin, verify_pin
from service.kit.clock import stamp, utc_now
from service.kit.errors import BadRequest, NotFound
from service.ledger.ledger import Ledger
from service.likeness.schemas import Embedding, Enrolled, NewPin, Subject, as_text
from service.storage import Repositories, SubjectRow, TemplateRow


class Subjects:
    """The people of one installation. Safe to share between threads and processes."""

    def __init__(self, ledger: Ledger, vault: Vault, clock: Callable[[], dt.datetime] = utc_now) -> None:
        self._ledger = ledger
        self._vault = vault
        self._clock = clock
        self._on_erasure: list[Callable[[int], None]] = []

    def when_erased(self, forget: Callable[[int], None]) -> None:
        """Call `forget` after each erasure by this process, to drop decrypted data from memory.

        It gets the `seq` of the decision: what was read before it must not be kept.
        """
        self._on_erasure.append(forget)

    def enrol(
        self,
        name: str,
        embeddings: Sequence[Embedding],
        model: str,
        *,
        protected: bool = True,
        retain: dt.timedelta | None = None,
    ) -> Enrolled:
        """Store a subject with face templates (float32, (128,)) by the model with this SHA-256 (hex).

        `protected`: images that show this face are refused unless a grant covers them. `retain`: after this time
        `purge` erases the subject.

        Raises:
            BadRequest: no template, or an invalid one.
            Unavailable: it could not be stored.
        """
        until = self._clock() + retain if retain else None
        prepared = self.prepare(name, embeddings, model, protected=protected, until=until)
        with self._ledger.decision("consent", prepared.enrolled.subject) as transaction:
            prepared.store(transaction)
            transaction.record(action="enrolled", templates=prepared.enrolled.templates, protected=protected)
        return prepared.enrolled

    def prepare(
        self, name: str, embeddings: Sequence[Embedding], model: str, *, protected: bool, until: dt.datetime | None
    ) -> "PreparedSubject":
        """A subject that is ready to be stored, alone or with others. Raises BadRequest as `enrol`."""
        _check_templates(embeddings)
        number, pin = new_case_number("S"), new_pin()
        salt, pin_hash = hash_pin(pin)
        sealed = self._vault.seal({"name": name}, number)
        row = SubjectRow(
            id=number,
            created_at=self._clock(),
            retain_until=until,
            protected=protected,
            pin_salt=salt,
            pin_hash=pin_hash,
            wrapped_key=sealed.wrapped_key,
            sealed=sealed.box,
        )
        templates = self._templates(sealed, number, embeddings, model)
        enrolled = Enrolled(subject=number, pin=pin, templates=len(templates), protected=protected)
        return PreparedSubject(enrolled, row, templates)

    def re_enrol(self, subject: str, embeddings: Sequence[Embedding], model: str, *, keep_others: bool = False) -> int:
        """Give a subject new face templates by the model with this SHA-256 (hex). Id, name, PIN and grants stay.

        `keep_others`: keep the templates by other models, too, so that any of these models can be used.

        Returns:
            The number of new templates.

        Raises:
            BadRequest: no template, or an invalid one.
            NotFound: the subject is erased or never existed.
            Unavailable: they could not be stored, or they are, but traces of the old ones remain for now.
        """
        _check_templates(embeddings)
        rows = self._templates(self.key(subject), subject, embeddings, model)
        with self._ledger.decision("consent", subject) as transaction:
            check_enrolled(transaction, subject)
            transaction.templates.delete_of(subject, model if keep_others else None)
            transaction.templates.add(rows)
            transaction.record(action="re-enrolled", templates=len(rows))
        for forget in self._on_erasure:
            forget(transaction.decision.seq)
        self._ledger.scrub()
        return len(rows)

    def _templates(
        self, sealed: Sealed, subject: str, embeddings: Sequence[Embedding], model: str
    ) -> tuple[TemplateRow, ...]:
        """Embeddings sealed under the subject's key, which `sealed` has."""
        boxes = [self._vault.reseal(sealed, {"embedding": as_text(each)}, subject).box for each in embeddings]
        return tuple(TemplateRow(subject, model, box) for box in boxes)

    def check_pin(self, subject: str, pin: str) -> None:
        """Raises NotFound for a wrong subject or PIN, without revealing which."""
        row = self._find(subject)
        salt, expected = (row.pin_salt, row.pin_hash) if row else (bytes(16), bytes(32))
        if not verify_pin(pin, salt, expected) or row is None:  # the same work for both
            raise NotFound("no subject has this id and PIN", hint="Check the id and the PIN.")

    def renew_pin(self, subject: str) -> NewPin:
        """Give a subject a new PIN; the old one stops working now, and failures to guess it no longer count.

        Raises:
            NotFound: the subject is erased or never existed.
            Unavailable: it could not be stored.
        """
        pin = new_pin()
        salt, pin_hash = hash_pin(pin)
        with self._ledger.decision("consent", subject) as transaction:
            check_enrolled(transaction, subject)
            transaction.subjects.set_pin(subject, salt, pin_hash)
            transaction.pin_failures.clear(subject)
            transaction.record(action="pin renewed")
        return NewPin(subject=subject, pin=pin)

    def name(self, subject: str) -> str:
        """The subject's name. Raises NotFound where the subject is erased or never existed."""
        return self._vault.open(self.key(subject), subject)["name"]

    def everybody(self) -> list[Subject]:
        """Every subject, erased ones too, oldest first."""
        with self._ledger.read() as stored:
            return [_subject(row) for row in stored.subjects.all()]

    def erase(self, subject: str) -> None:
        """Delete name and templates for good and revoke every grant. Receipts and ids of images stay; they name nobody.

        Raises:
            NotFound: the subject is erased already, or never existed.
            Unavailable: it could not be stored, or it is erased, but traces remain for now (see `Ledger.scrub`).
        """
        now = self._clock()
        with self._ledger.decision("consent", subject) as transaction:
            check_enrolled(transaction, subject)
            transaction.subjects.erase(subject, now)
            transaction.templates.delete_of(subject)
            transaction.grants.revoke_all(subject, now)
            transaction.record(action="erased")
        for forget in self._on_erasure:
            forget(transaction.decision.seq)
        self._ledger.scrub()

    def purge(self) -> list[str]:
        """Erase every subject whose retention has ended, and return their ids."""
        now = self._clock()
        with self._ledger.read() as stored:
            rows = stored.subjects.all()
        over = [row.id for row in rows if row.retain_until and row.retain_until <= now and not row.erased_at]
        for subject in over:
            self.erase(subject)
        return over

    def key(self, subject: str) -> Sealed:
        """The sealed name with the subject's wrapped key, which also opens the templates.

        Raises NotFound where the subject is erased or never existed.
        """
        row = self._find(subject)
        if row is None:
            raise no_subject()
        return sealed_name(row)

    def _find(self, subject: str) -> SubjectRow | None:
        with self._ledger.read() as stored:
            return stored.subjects.get(subject)


@dataclass(frozen=True, slots=True)
class PreparedSubject:
    """A subject that is ready to be stored: what the person receives, and the rows."""

    enrolled: Enrolled
    row: SubjectRow
    templates: tuple[TemplateRow, ...]

    def store(self, stored: Repositories) -> None:
        stored.subjects.add(self.row)
        stored.templates.add(self.templates)


def _check_templates(embeddings: Sequence[Embedding]) -> None:
    if not embeddings or any(e.dtype != np.float32 or e.shape != (DIMENSIONS,) for e in embeddings):
        raise BadRequest("a subject needs face templates", hint="Send photos that show the face clearly.")


def check_enrolled(stored: Repositories, subject: str) -> None:
    """Raises NotFound where the subject is erased or never existed."""
    if not stored.subjects.exists(subject):
        raise no_subject()


def sealed_name(row: SubjectRow) -> Sealed:
    """See `Subjects.key`. Raises NotFound where the subject is erased."""
    if row.erased_at is not None or row.wrapped_key is None or row.sealed is None:
        raise no_subject()
    return Sealed(row.wrapped_key, row.sealed)


def no_subject() -> NotFound:
    return NotFound("there is no such subject", hint="Check the id; the subject may have been erased.")


def _subject(row: SubjectRow) -> Subject:
    return Subject(
        id=row.id,
        created_at=stamp(row.created_at),
        retain_until=stamp(row.retain_until) if row.retain_until else None,
        protected=row.protected,
        erased_at=stamp(row.erased_at) if row.erased_at else None,
    )
