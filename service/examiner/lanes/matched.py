"""The ledger's own images: this exact file, and those that look like it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Self

from pydantic import Field

from service.examiner.codes import ReasonCode, Topic, holding
from service.examiner.examination import Examination, FileExamination, Sources
from service.examiner.lanes.lane import Finding, Lane
from service.examiner.policy import SAME_IMAGE_DISTANCE, Signal, same_image
from service.examiner.sections import Issued, ReportModel
from service.ledger.issued_edit import IssuedEdit
from service.ledger.ledger import Issue, Ledger

NO_EDITS: Mapping[str, IssuedEdit] = MappingProxyType({})


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
    FILE_EDITED_HERE = (
        "file_edited_here",
        Topic.FILE,
        "This exact file was issued here as an edit of somebody's image: only part of it was generated here.",
    )
    EDIT_MATCHED = (
        "edit_matched",
        Topic.ISSUED_IMAGE,
        "The image looks like an edit that was issued here, and so does the image that was edited: no sign of origin.",
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
        file, edit_of = examination.issued_file, self._ledger.edit_of
        edits = {issue.content_id: edit for issue, _ in similar if (edit := edit_of(issue.content_id))}
        edited = file is not None and edit_of(file.content_id) is not None
        return finding(similar, issued_file=file is not None, edited_file=edited, edits=edits, prove=self._prove)

    def find_without_pixels(self, file: FileExamination) -> Finding[list[Matched]]:
        return finding([], issued_file=file.issued_file is not None)

    @staticmethod
    def lines(section: list[Matched]) -> Iterator[str]:
        for match in section:
            yield f"{match.issued.content_id} ({match.distance} of 256 bits differ)"
            if match.issued.edit:
                yield match.issued.edit.line
        if not section:
            yield "nothing"


def finding(
    similar: Sequence[tuple[Issue, int]],
    *,
    issued_file: bool,
    edited_file: bool = False,
    edits: Mapping[str, IssuedEdit] = NO_EDITS,
    prove: Callable[[str], str | None] = lambda content_id: None,
) -> Finding[list[Matched]]:
    """What the ledger's images show. `similar`: each with its PDQ Hamming distance, nearest first. `edits`: what those
    of them that are edits changed, by content id.

    An image that looks like an edit may be the photograph that was edited, so it supports no verdict.
    """
    generated = any(issue.content_id not in edits for issue, _ in similar)
    signals = {
        Signal.ISSUED_FILE: issued_file,
        Signal.EDITED_FILE: edited_file,
        Signal.SIMILAR_IMAGE: generated,
    }
    reasons: dict[ReasonCode, bool] = {
        MatchedReason.FILE_ISSUED_HERE: issued_file,
        MatchedReason.FINGERPRINT_MATCHED: generated,
        MatchedReason.FILE_EDITED_HERE: edited_file,
        MatchedReason.EDIT_MATCHED: any(issue.content_id in edits for issue, _ in similar),
    }
    section = [
        Matched(issued=Issued.of(issue, edits.get(issue.content_id)), distance=bits, proof=prove(issue.content_id))
        for issue, bits in similar
    ]
    return Finding(section=section, signals=frozenset(holding(signals)), reasons=holding(reasons))
