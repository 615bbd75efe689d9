"""The faces of subjects, opened to be searched."""

import threading
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, func, select

from detectors import Templates
from service.keys.vault import Sealed, Vault
from service.ledger.ledger import Ledger
from service.likeness.schemas import Embedding, TemplateIndex, from_text, stacked
from service.likeness.subjects import Subjects
from service.storage import decisions, reading, subjects, templates


class FaceTemplates:
    """The templates of subjects, decrypted in memory. Safe to share between threads.

    An erasure by this process empties the memory at once; one by another does at the next look.
    """

    def __init__(self, ledger: Ledger, vault: Vault, people: Subjects) -> None:
        self._ledger = ledger
        self._vault = vault
        self._people = people
        self._known: tuple[object, TemplateIndex] | None = None
        self._erasures = 0
        self._lock = threading.Lock()
        people.when_erased(self._forget)

    def protected(self, model: str) -> TemplateIndex:
        """The templates of every protected subject made by the model with this digest; read again after any change."""
        before = self._erasures
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
        with self._lock:
            if before == self._erasures:  # else it may hold somebody who was erased meanwhile
                self._known = (state, known)
        return known

    def _forget(self) -> None:
        with self._lock:
            self._erasures += 1
            self._known = None

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
        row = self._people.row(subject)
        chosen = select(templates).where((templates.c.subject == subject) & (templates.c.model == model))
        with reading(self._ledger.engine) as connection:
            rows = connection.execute(chosen).all()
        sealed = [Sealed(row.wrapped_key, one.sealed) for one in rows]
        return Templates(stacked([self._embedding(one, subject) for one in sealed]))

    def _opened(self, rows: Sequence[Row[Any]]) -> TemplateIndex:
        found = [self._embedding(Sealed(row.wrapped_key, row.sealed), row.subject) for row in rows]
        return TemplateIndex(Templates(stacked(found)), tuple(row.subject for row in rows))

    def _embedding(self, sealed: Sealed, subject: str) -> Embedding:
        return from_text(self._vault.open(sealed, subject)["embedding"])
