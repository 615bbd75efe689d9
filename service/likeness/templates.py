"""The face templates of subjects, decrypted for search."""

import sys
import threading
from collections.abc import Sequence
from functools import partial

import numpy as np

from detectors import Templates
from service.keys.vault import Sealed, Vault
from service.ledger.ledger import Ledger
from service.ledger.similarity_blocks import Changes
from service.ledger.similarity_index import SimilarityIndex, Snapshot, face_index
from service.likeness.schemas import Embedding, from_text, stacked
from service.likeness.subjects import Subjects
from service.likeness.template_index import NumberedTemplates, TemplateIndex
from service.storage import ProtectedTemplate, Repositories


class FaceTemplates:
    """Face templates, decrypted in memory. Safe to share between threads.

    An erasure by this process clears the memory at once; one by another process does so at the next search.
    """

    def __init__(self, ledger: Ledger, vault: Vault, people: Subjects) -> None:
        self._ledger = ledger
        self._vault = vault
        self._people = people
        self._indexes: dict[str, SimilarityIndex[Embedding]] = {}  # by the digest of the face model
        # The subject's id of each template that was ever read. Entries stay: a search that began before an erasure
        # still needs them, and ids name nobody.
        self._owners: dict[int, str] = {}
        self._known: tuple[Snapshot[Embedding], TemplateIndex] | None = None
        self._lock = threading.Lock()
        people.when_erased(self._forget)

    def protected(self, model: str) -> TemplateIndex:
        """The templates of every protected subject by the model with this SHA-256. Only new ones are opened.

        Raises:
            Misconfigured: a template cannot be opened with the vault's key.
            Unavailable: the database does not answer.
        """
        index = self._index(model)
        with self._ledger.read() as stored:
            # Every change is a decision in the same transaction, so the newest decision is the revision.
            snapshot = index.at(stored.decisions.newest("consent"), partial(self._changes_since, stored, model))
        return self._numbered(index, snapshot)

    def _index(self, model: str) -> SimilarityIndex[Embedding]:
        with self._lock:
            return self._indexes.setdefault(model, face_index())

    def _changes_since(self, stored: Repositories, model: str, known: Snapshot[Embedding]) -> Changes:
        """What differs between memory and the database. All ids are compared: that costs little beside opening a
        template, and needs no assumption about which decisions change which templates."""
        before, now = known.ids, stored.templates.protected_ids(model)
        new = np.setdiff1d(now, before, assume_unique=True)
        rows = stored.templates.protected(model, after=int(new[0]) - 1) if new.size else []
        self._owners.update((row.id, sys.intern(row.subject)) for row in rows)
        ids = np.array([row.id for row in rows], np.int64)
        return Changes(ids, self._opened(rows), np.setdiff1d(before, now, assume_unique=True))

    def _numbered(self, index: SimilarityIndex[Embedding], snapshot: Snapshot[Embedding]) -> TemplateIndex:
        kept = self._known
        if kept is not None and kept[0] is snapshot:
            return kept[1]
        owners = tuple(self._owners[id_] for id_ in snapshot.ids.tolist())
        known = TemplateIndex(NumberedTemplates(snapshot), owners)
        with self._lock:
            if index.snapshot is snapshot:  # otherwise it may contain somebody who was erased meanwhile
                self._known = (snapshot, known)
        return known

    def _forget(self, revision: int) -> None:
        with self._lock:
            for index in self._indexes.values():
                index.forget(revision)
            self._known = None

    def without(self, model: str) -> list[str]:
        """The protected subjects who have templates by other models alone, so that this one cannot compare them."""
        with self._ledger.read() as stored:
            return stored.templates.without(model)

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

    def _opened(self, rows: Sequence[ProtectedTemplate]) -> Embedding:
        """Their embeddings: float32, N x 128."""
        return stacked([self._embedding(Sealed(row.wrapped_key, row.sealed), row.subject) for row in rows])

    def _embedding(self, sealed: Sealed, subject: str) -> Embedding:
        return from_text(self._vault.open(sealed, subject)["embedding"])
