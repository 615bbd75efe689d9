"""A lane of evidence: everything the examiner, the report, the documentation and the command line need of one kind."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from service.examiner.codes import ConflictCode, ReasonCode
from service.examiner.examination import Examination, FileExamination, Sources
from service.examiner.policy import Signal

Section = TypeVar("Section")


@dataclass(frozen=True, slots=True)
class Finding(Generic[Section]):
    """What a lane found: its part of the report, and what that shows."""

    section: Section
    signals: frozenset[Signal] = frozenset()
    reasons: tuple[ReasonCode, ...] = ()
    conflicts: tuple[ConflictCode, ...] = ()


class Lane(ABC, Generic[Section]):
    """One kind of evidence. Thread-safe: one object examines every file.

    `field` is where the section stands in the report. Lanes can share a list: see `owns`. A lane can fill a field of
    another lane's section (`claimed.declarations`); then it comes after that lane in `LANES`.
    """

    field: ClassVar[str]
    reasons: ClassVar[type[ReasonCode]] = ReasonCode
    conflicts: ClassVar[type[ConflictCode]] = ConflictCode
    does_not_prove: ClassVar[str] = ""
    """For people: what this kind of evidence cannot show, in a sentence."""

    @classmethod
    @abstractmethod
    def open(cls, sources: Sources) -> Self:
        """The lane of an installation. Raises Misconfigured if its settings cannot be used."""

    @abstractmethod
    def find(self, examination: Examination) -> Finding[Section]:
        """The evidence of one image. Raises Unavailable if the ledger does not answer."""

    def find_without_pixels(self, file: FileExamination) -> Finding[Section] | None:
        """The evidence of a file whose pixels cannot be decoded here; None if all of it is in the pixels."""
        return None

    @staticmethod
    def owns(element: Any) -> bool:
        """Whether an element of a shared list is this lane's. The first lane that owns it presents it."""
        return True

    @staticmethod
    @abstractmethod
    def lines(section: Section) -> Iterator[str]:
        """The section as text for the command line, one fact a line; of a shared list, the lane's own elements.

        The text may hold control characters from the file.
        """

    def heatmap(self, examination: Examination) -> NDArray[np.float32] | None:
        """Where in the image the evidence is: float32[h, w] in 0..1, NaN where nothing was searched.

        As coarse as it was found: whoever shows it enlarges it.

        None if there is no such evidence, or if this lane's evidence has no place.
        """
        return None
