"""The ledger's own images: this exact file, and those that look like it."""

from collections.abc import Callable, Iterator, Sequence
from typing import Self

from pydantic import Field

from service.examiner.codes import ReasonCode, Topic, holding
from service.examiner.examination import Examination, FileExamination, Sources
from service.examiner.lanes.lane import Finding, Lane
from service.examiner.policy import SAME_IMAGE_DISTANCE, Signal, same_image
from service.examiner.sections import Issued, ReportModel
from service.ledger.ledger import Issue, Ledger


class Matched(ReportModel):
    """An issued image that looks like this one."""

    issued: Issued
    distance: int = Field(description="PDQ Hamming distance, 0 to 256.")
    proof: str | None = Field(
        None, description="Proof that its issue is in the audit log (c2sp.org/tlog-proof); it tells nothing else."
    )


class MatchedReason(ReasonCode):
    FILE_ISSUED_HERE = (
        "file_issued_here",
        Topic.FILE,
        "This exact file was issued here.",
    )
    FINGERPRINT_MATCHED = (
        "fingerprint_matched",
        Topic.ISSUED_IMAGE,
        "The image looks like one that was issued here.",
    )


class MatchedLane(Lane[list[Matched]]):
    """SHA-256 and fingerprint, looked up in the ledger."""

    field = "matched"
    reasons = MatchedReason
    does_not_prove = "A likeness to an issued image does not show which of the two was first."

    def __init__(self, ledger: Ledger, prove: Callable[[str], str | None]) -> None:
        self._ledger = ledger
        self._prove = prove

    @classmethod
    def open(cls, sources: Sources) -> Self:
        return cls(sources.ledger, sources.prove)

    def find(self, examination: Examination) -> Finding[list[Matched]]:
        look = examination.fingerprint
        similar = [
            (issue, bits)
            for issue, bits in self._ledger.similar(look.bits, SAME_IMAGE_DISTANCE)
            if same_image(look, issue.fingerprint, issue.fingerprint_quality)
        ]
        return finding(similar, issued_file=examination.issued_file is not None, prove=self._prove)

    def find_without_pixels(self, file: FileExamination) -> Finding[list[Matched]]:
        return finding([], issued_file=file.issued_file is not None)

    @staticmethod
    def lines(section: list[Matched]) -> Iterator[str]:
        for match in section:
            yield f"{match.issued.content_id} ({match.distance} of 256 bits differ)"
        if not section:
            yield "nothing"


def finding(
    similar: Sequence[tuple[Issue, int]],
    *,
    issued_file: bool,
    prove: Callable[[str], str | None] = lambda content_id: None,
) -> Finding[list[Matched]]:
    """What the ledger's images show. `similar`: each with its PDQ Hamming distance, nearest first."""
    signals = {Signal.ISSUED_FILE: issued_file, Signal.SIMILAR_IMAGE: bool(similar)}
    reasons: dict[ReasonCode, bool] = {
        MatchedReason.FILE_ISSUED_HERE: issued_file,
        MatchedReason.FINGERPRINT_MATCHED: bool(similar),
    }
    return Finding(
        section=[
            Matched(issued=Issued.of(issue), distance=bits, proof=prove(issue.content_id)) for issue, bits in similar
        ],
        signals=frozenset(holding(signals)),
        reasons=holding(reasons),
    )
