"""One row of the table: a file's report in flat columns, or why there is none. The same for every engine."""

import re
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from service.archives.entry import Entry, Fault
from service.examiner.report import Report

_SURROGATES = re.compile("[\ud800-\udfff]")  # bytes of a name that are no text


class Row(BaseModel):
    """Columns in order. Empty (null) where a file has no such thing, or could not be examined."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: int = Field(
        description="Place of the file in the listing, from 0. No number is missing, and none is twice."
    )
    path: str = Field(description="Path inside the source, with slashes. Bytes that are no text are replaced.")
    bytes: int | None = Field(None, description="Size of the file.")
    sha256: str | None = Field(None, description="Of the file, in hex; empty where it was not read.")
    mime: str | None = Field(None, description="Type by content.")
    width: int | None = Field(None, description="Pixels, after EXIF orientation.")
    height: int | None = None
    frames: int | None = Field(None, description="Frames or pages, of which the first was examined.")
    verdict: str | None = Field(None, description="The report's one-word answer.")
    outcome: str | None = Field(None, description="What `countermark verify` answers.")
    claimed_integrity: str | None = Field(None, description="Of the Content Credential: `intact`, `absent`, ...")
    claimed_signer_status: str | None = None
    claimed_signer: str | None = None
    claimed_generator: str | None = Field(None, description="The program that the credential names.")
    claimed_origin: str | None = Field(None, description="Where the image comes from, by its credential.")
    claimed_declarations: tuple[str, ...] = Field((), description="Origins that unsigned metadata declares.")
    marked_codecs: tuple[str, ...] = Field((), description="Watermarks that were found.")
    marked_id: str | None = Field(None, description="Identifier in our watermark, 12 hexadecimal digits.")
    marked_content_id: str | None = Field(None, description="The issued image that our watermark leads to.")
    marked_resemblance: str | None = Field(None, description="What the image has to do with that one.")
    matched_content_id: str | None = Field(None, description="The issued image that looks most like this one.")
    matched_distance: int | None = Field(None, description="PDQ Hamming distance to it, 0 to 256.")
    inferred_state: str | None = Field(None, description="Whether classifiers judged the image.")
    inferred_verdict: str | None = None
    inferred_p_synthetic: float | None = Field(None, description="Calibrated probability, 0 to 1.")
    inferred_kind: str | None = Field(None, description="What the classifiers take the image for: portrait, night, ...")
    reasons: tuple[str, ...] = Field((), description="Codes; see reasons.md.")
    conflicts: tuple[str, ...] = ()
    error: str | None = Field(None, description="Code of the error that stopped the examination; see errors.md.")
    message: str | None = Field(None, description="What happened; or why only the credential was read.")
    seconds: float = Field(0.0, description="Time that the file took, reading included.")

    @classmethod
    def of_report(cls, number: int, entry: Entry, report: Report, seconds: float) -> Self:
        """The row of a file that was examined."""
        claimed, inferred = report.claimed, report.inferred
        present = [mark for mark in report.marked if mark.present]
        own = next((mark for mark in present if mark.mark_id), None)
        nearest = min(report.matched, key=lambda match: match.distance, default=None)
        return cls(
            number=number,
            path=readable(entry.path),
            bytes=report.asset.bytes,
            sha256=report.asset.sha256,
            mime=report.asset.mime,
            width=report.asset.width,
            height=report.asset.height,
            frames=report.asset.frames,
            verdict=report.verdict.value,
            outcome=report.outcome.value,
            claimed_integrity=claimed.integrity.value,
            claimed_signer_status=claimed.signer_status.value,
            claimed_signer=claimed.signer,
            claimed_generator=claimed.generator,
            claimed_origin=claimed.origin.kind.value if claimed.origin else None,
            claimed_declarations=tuple(dict.fromkeys(each.origin for each in claimed.declarations)),
            marked_codecs=tuple(mark.codec for mark in present),
            marked_id=own.mark_id if own else None,
            marked_content_id=own.issued.content_id if own and own.issued else None,
            marked_resemblance=own.resemblance if own else None,
            matched_content_id=nearest.issued.content_id if nearest else None,
            matched_distance=nearest.distance if nearest else None,
            inferred_state=inferred.state,
            inferred_verdict=inferred.verdict,
            inferred_p_synthetic=inferred.p_synthetic,
            inferred_kind=inferred.kind,
            reasons=tuple(reason.code for reason in report.reasons),
            conflicts=tuple(report.conflicts),
            message=report.asset.not_examined,
            seconds=seconds,
        )

    @classmethod
    def of_fault(cls, number: int, entry: Entry, fault: Fault, sha256: str | None = None, seconds: float = 0.0) -> Self:
        """The row of a file that could not be examined. `sha256`: if it could be read."""
        return cls(
            number=number,
            path=readable(entry.path),
            bytes=entry.size,
            sha256=sha256,
            error=fault.code,
            message=fault.message,
            seconds=seconds,
        )


def readable(path: str) -> str:
    """The path as valid text."""
    return _SURROGATES.sub("\N{REPLACEMENT CHARACTER}", path)
