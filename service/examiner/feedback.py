"""What people say about examined images: labels beside the record, which no answer takes into account."""

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pydantic import BaseModel, Field

from service.examiner.scores import ScoreLog
from service.kit.clock import stamp, utc_now
from service.kit.errors import NotFound
from service.kit.strict_schema import StrictModel
from service.ledger.ledger import Ledger
from service.storage import ExaminationRow, FeedbackRow, Label, Who


class Feedback(StrictModel):
    """A label as it is sent. Unknown fields are refused."""

    examination: str = Field(
        pattern=r"^[0-9a-f]{32}$", description="The `examination` of the report's `inferred`, or of the detection."
    )
    label: Label = Field(description="What the image is.")
    who: Who = Field(
        description="How the sender knows: they made or took it (`author`), published it (`publisher`), examined it "
        "for their work (`reviewer`), or none of these (`other`)."
    )


class FeedbackReceipt(BaseModel):
    """What was stored."""

    examination: str
    label: Label
    who: Who
    received_at: str


@dataclass(frozen=True, slots=True)
class LabelledFile:
    """A file of the operator's that somebody labelled. `kind`: what the classifiers took it for."""

    file: str
    label: Label
    kind: str | None


@dataclass(frozen=True, slots=True)
class Export:
    """`contradicted`: files that different people labelled differently, which are left out."""

    files: list[LabelledFile]
    contradicted: list[str]


class FeedbackStore:
    """The labels of one installation. Thread-safe."""

    def __init__(
        self,
        ledger: Ledger,
        scores: ScoreLog,
        digest: Callable[[str], str],
        clock: Callable[[], dt.datetime] = utc_now,
    ) -> None:
        """`digest`: that of the recorded scores."""
        self._ledger = ledger
        self._scores = scores
        self._digest = digest
        self._clock = clock

    def give(self, feedback: Feedback, tenant: str | None = None) -> FeedbackReceipt:
        """Store a label in place of the one that the examination had. `tenant`: whose key was shown.

        Raises:
            NotFound: no such examination is recorded, or not any more.
            Unavailable: it could not be stored.
        """
        self._scores.settle()
        now = self._clock()
        row = FeedbackRow(feedback.examination, feedback.label, feedback.who, tenant, now)
        with self._ledger.write() as stored:
            if stored.examinations.get(feedback.examination) is None:
                raise NotFound(
                    "there is no record of this examination",
                    hint="Use the `examination` of an answer. Records are deleted after some days.",
                )
            stored.feedback.put(row)
        return FeedbackReceipt(**feedback.model_dump(), received_at=stamp(now))

    def all(self) -> list[tuple[FeedbackRow, ExaminationRow]]:
        """Every label, with what the classifiers had said, oldest first. Raises Unavailable."""
        with self._ledger.read() as stored:
            return stored.feedback.all()

    def of_files(self, files: Iterable[tuple[str, str]], who: Who | None = None) -> Export:
        """The labels of files, given by name and SHA-256 (hex); of one kind of sender if `who` is set."""
        said: dict[str, list[tuple[FeedbackRow, ExaminationRow]]] = {}
        for row, examined in self.all():
            if who is None or row.who == who:
                said.setdefault(examined.file, []).append((row, examined))
        export = Export([], [])
        for name, sha256 in files:
            found = said.get(self._digest(sha256), [])
            if len({row.label for row, _ in found}) > 1:
                export.contradicted.append(name)
            elif found:
                row, examined = found[-1]
                export.files.append(LabelledFile(name, row.label, examined.kind))
        return export
