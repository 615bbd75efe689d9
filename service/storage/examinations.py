"""The rows of examinations: what the classifiers said, and what people say about it. No file, no address, no time."""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from service.storage.session import Repository, values_of
from service.storage.tables import examinations, feedback

Label = Literal["real", "synthetic"]
Who = Literal["author", "publisher", "reviewer", "other"]


@dataclass(frozen=True, slots=True)
class ExaminationRow:
    """What was said of one file. `file`: a keyed digest of its SHA-256. `day`: the beginning of the day, UTC.

    `in_scope`: the classifiers were measured on images like it. `candidate`, `candidate_score`, `candidate_verdict`:
    what a model on trial said; None if it was not asked.
    """

    id: str
    day: dt.datetime
    file: str
    calibration: str
    kind: str | None
    p_synthetic: float
    verdict: str
    in_scope: bool
    candidate: str | None = None
    candidate_score: float | None = None
    candidate_verdict: str | None = None


@dataclass(frozen=True, slots=True)
class FeedbackRow:
    """What somebody says an examined image is, and how they know. `tenant`: None for whoever showed no key."""

    examination: str
    label: Label
    who: Who
    tenant: str | None
    at: dt.datetime


class ExaminationRepository(Repository):
    """Recorded scores."""

    def add(self, rows: Sequence[ExaminationRow]) -> None:
        self._session.insert(examinations, [values_of(row) for row in rows])

    def set_candidate(self, number: str, candidate: str, score: float, verdict: str | None) -> None:
        """What a model on trial said of the same image. An examination that is gone stays gone."""
        values = {"candidate": candidate, "candidate_score": score, "candidate_verdict": verdict}
        self._session.change(update(examinations).where(examinations.c.id == number).values(**values))

    def get(self, number: str) -> ExaminationRow | None:
        row = self._session.read(select(examinations).where(examinations.c.id == number)).first()
        return ExaminationRow(**row._mapping) if row else None

    def since(self, day: dt.datetime) -> Iterator[ExaminationRow]:
        """Those of that day and later, oldest day first."""
        query = select(examinations).where(examinations.c.day >= day).order_by(examinations.c.day, examinations.c.id)
        return (ExaminationRow(*row) for row in self._session.tuples(query))

    def forget_before(self, day: dt.datetime) -> int:
        """Delete the examinations of earlier days, with what was said about them; how many."""
        old = select(examinations.c.id).where(examinations.c.day < day)
        self._session.change(delete(feedback).where(feedback.c.examination.in_(old)))
        return self._session.change(delete(examinations).where(examinations.c.day < day))


class FeedbackRepository(Repository):
    """What people say about examined images."""

    def put(self, row: FeedbackRow) -> None:
        """Store a label in place of the one that the examination had."""
        insert = (postgresql if self._session.dialect == "postgresql" else sqlite).insert
        values = values_of(row)
        later = {name: value for name, value in values.items() if name != "examination"}
        statement = insert(feedback).values(**values)
        self._session.change(statement.on_conflict_do_update(index_elements=["examination"], set_=later))

    def all(self) -> list[tuple[FeedbackRow, ExaminationRow]]:
        """Every label, with what the classifiers had said, oldest first."""
        query = select(feedback, examinations).join(examinations).order_by(feedback.c.at, feedback.c.examination)
        width = len(feedback.c)
        return [(FeedbackRow(*row[:width]), ExaminationRow(*row[width:])) for row in self._session.tuples(query)]
