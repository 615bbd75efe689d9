"""The templates of protected subjects, ready to be searched."""

from dataclasses import dataclass

import numpy as np

from detectors import FaceMatch
from service.ledger.similarity_index import Snapshot
from service.likeness.schemas import Embedding


class NumberedTemplates:
    """The face templates of a snapshot, numbered from 0 by age. Safe to share between threads."""

    def __init__(self, snapshot: Snapshot[Embedding]) -> None:
        self._snapshot = snapshot
        self._ids = snapshot.ids

    def __len__(self) -> int:
        return len(self._ids)

    def within(self, embedding: Embedding, limit: float) -> list[FaceMatch]:
        """Every template at most `limit` from `embedding` (float32, (128,)), nearest first, ties by number. Exact.

        Raises:
            ModelFault: `embedding` is no embedding, or `limit` is negative or not finite.
        """
        near = self._snapshot.within(embedding, limit)
        numbers = np.searchsorted(self._ids, [one.id for one in near])
        return [FaceMatch(int(number), one.distance) for number, one in zip(numbers, near, strict=True)]


@dataclass(frozen=True, slots=True)
class TemplateIndex:
    """The templates to search, and the subject of each, by the template's number."""

    templates: NumberedTemplates
    owners: tuple[str, ...]
