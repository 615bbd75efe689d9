"""The rows of people and their face templates."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import delete, select, update

from service.storage.session import Repository, values_of
from service.storage.tables import subjects as table
from service.storage.tables import templates


@dataclass(frozen=True, slots=True)
class SubjectRow:
    """A person. Without `wrapped_key` and `sealed` (after an erasure) the name is gone for good."""

    id: str
    created_at: dt.datetime
    retain_until: dt.datetime | None
    protected: bool
    pin_salt: bytes
    pin_hash: bytes
    wrapped_key: bytes | None
    sealed: bytes | None
    erased_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class TemplateRow:
    """A face embedding, sealed under its subject's key. `model` is the SHA-256 (hex) of the face model."""

    subject: str
    model: str
    sealed: bytes


@dataclass(frozen=True, slots=True)
class ProtectedTemplate:
    """A template of a protected subject with all that is needed to open it. Ids grow and are never reused."""

    id: int
    subject: str
    sealed: bytes
    wrapped_key: bytes


class SubjectRepository(Repository):
    """People whose likeness is protected or may be used."""

    def add(self, row: SubjectRow) -> None:
        self._session.insert(table, [values_of(row)])

    def get(self, subject: str) -> SubjectRow | None:
        row = self._session.read(select(table).where(table.c.id == subject)).first()
        return SubjectRow(**row._mapping) if row else None

    def all(self) -> list[SubjectRow]:
        """Every subject, erased ones too, oldest first."""
        rows = self._session.read(select(table).order_by(table.c.created_at, table.c.id))
        return [SubjectRow(**row._mapping) for row in rows]

    def set_pin(self, subject: str, salt: bytes, pin_hash: bytes) -> None:
        self._session.change(update(table).where(table.c.id == subject).values(pin_salt=salt, pin_hash=pin_hash))

    def exists(self, subject: str) -> bool:
        """The subject is enrolled and not erased."""
        here = (table.c.id == subject, table.c.erased_at.is_(None))
        return self._session.read(select(table.c.id).where(*here)).first() is not None

    def any_protected(self) -> bool:
        return self._session.read(select(table.c.id).where(table.c.protected).limit(1)).first() is not None

    def erase(self, subject: str, at: dt.datetime) -> None:
        """Delete the key and the sealed name. The row stays: receipts and grants refer to it."""
        values = {"wrapped_key": None, "sealed": None, "erased_at": at, "protected": False}
        self._session.change(update(table).where(table.c.id == subject).values(**values))


class TemplateRepository(Repository):
    """Face templates."""

    def add(self, rows: Sequence[TemplateRow]) -> None:
        self._session.insert(templates, [values_of(row) for row in rows])

    def of(self, subject: str, model: str | None = None) -> list[TemplateRow]:
        """A subject's templates, or those by one model."""
        columns = (templates.c.subject, templates.c.model, templates.c.sealed)
        query = select(*columns).where(templates.c.subject == subject).order_by(templates.c.id)
        rows = self._session.read(query if model is None else query.where(templates.c.model == model))
        return [TemplateRow(**row._mapping) for row in rows]

    def protected(self, model: str, after: int = 0) -> list[ProtectedTemplate]:
        """The templates of protected subjects by one model whose ids are greater than `after`, by id."""
        columns = (templates.c.id, templates.c.subject, templates.c.sealed, table.c.wrapped_key)
        query = select(*columns).join(table, table.c.id == templates.c.subject)
        query = query.where(table.c.protected, templates.c.model == model, templates.c.id > after)
        return [ProtectedTemplate(*row) for row in self._session.tuples(query.order_by(templates.c.id))]

    def protected_ids(self, model: str) -> NDArray[np.int64]:
        """The ids of all templates of protected subjects by one model: int64, (N,), ascending."""
        query = select(templates.c.id).join(table, table.c.id == templates.c.subject)
        query = query.where(table.c.protected, templates.c.model == model).order_by(templates.c.id)
        return np.fromiter((id_ for (id_,) in self._session.tuples(query)), np.int64)

    def without(self, model: str) -> list[str]:
        """The ids of the protected subjects who have no template by this model."""
        compared = select(templates.c.id).where(templates.c.subject == table.c.id, templates.c.model == model)
        query = select(table.c.id).where(table.c.protected, ~compared.exists())
        return [id_ for (id_,) in self._session.tuples(query.order_by(table.c.created_at, table.c.id))]

    def delete_of(self, subject: str, model: str | None = None) -> None:
        """Delete a subject's templates, or those by one model."""
        query = delete(templates).where(templates.c.subject == subject)
        self._session.change(query if model is None else query.where(templates.c.model == model))
