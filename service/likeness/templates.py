"""The face templates of subjects, decrypted for search."""

import threading
from collections.abc import Sequence

from detectors import Templates
from service.keys.vault import Sealed, Vault
from service.ledger.ledger import Ledger
from service.likeness.schemas import Embedding, TemplateIndex, from_text, stacked
from service.likeness.subjects import Subjects
from service.storage import ProtectedTemplate


class FaceTemplates:
    """Face templates, decrypted in memory. Safe to share between threads.

    An erasure by this process clears the memory at once; one by another process does so at the next search.
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
        """The templates of every protected subject by the model with this SHA-256, read again after any change."""
        before = self._erasures
        with self._ledger.read() as stored:
            # Every change is a decision in the same transaction. The decision is read first: what is read after it can
            # only be newer, and is then read once more next time.
            state = (stored.decisions.newest("consent"), model)
            kept = self._known
            if kept is not None and kept[0] == state:
                return kept[1]
            known = self._opened(stored.templates.protected(model))
        with self._lock:
            if before == self._erasures:  # otherwise it may contain somebody who was erased meanwhile
                self._known = (state, known)
        return known

    def _forget(self) -> None:
        with self._lock:
            self._erasures += 1
            self._known = None

    def other_models(self, model: str) -> int:
        """How many templates of protected subjects are by another model, so that this one's cannot be compared."""
        with self._ledger.read() as stored:
            return stored.templates.count_of_other_models(model)

    def anybody(self) -> bool:
        """There is a protected subject."""
        with self._ledger.read() as stored:
            return stored.subjects.any_protected()

    def templates_of(self, subject: str, model: str) -> Templates:
        """One subject's templates by this model. Raises NotFound where the subject is erased or never existed."""
        key = self._people.key(subject).wrapped_key
        with self._ledger.read() as stored:
            rows = stored.templates.of(subject, model)
        return Templates(stacked([self._embedding(Sealed(key, row.sealed), subject) for row in rows]))

    def _opened(self, rows: Sequence[ProtectedTemplate]) -> TemplateIndex:
        found = [self._embedding(Sealed(row.wrapped_key, row.sealed), row.subject) for row in rows]
        return TemplateIndex(Templates(stacked(found)), tuple(row.subject for row in rows))

    def _embedding(self, sealed: Sealed, subject: str) -> Embedding:
        return from_text(self._vault.open(sealed, subject)["embedding"])
