"""Report types that several lanes share. Each lane declares the rest of its section itself."""

from dataclasses import asdict
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from service.examiner.codes import ReasonCode
from service.kit.clock import stamp
from service.ledger.issued_edit import IssuedEdit
from service.ledger.ledger import Issue


class ReportModel(BaseModel):
    """Part of a report: immutable, with no fields but the declared ones."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Reason(ReportModel):
    code: str
    text: str

    @classmethod
    def of(cls, code: ReasonCode) -> "Reason":
        """The code with its standard text."""
        return cls(code=code.value, text=code.text)


class Edited(ReportModel):
    """What was changed of an input image when the image was issued. Without figures: it was not recorded then."""

    pixels: int | None = Field(None, description="Pixels of the issued image.")
    generated: int | None = Field(None, description="Pixels that the model could write; without a mask all of them.")
    changed: int | None = Field(None, description="Pixels that differ from the input by more than `threshold`.")
    threshold: int | None = Field(None, description="Levels of 255, in any channel.")
    psnr: float | None = Field(None, description="Of the issued image to its input, dB, before the watermark.")

    @property
    def line(self) -> str:
        """In words."""
        if self.pixels is None or self.generated is None:
            return "an edit of somebody's image; how much it changed was not recorded"
        near = "" if self.psnr is None else f", {self.psnr:.1f} dB to the input image"
        return f"an edit of somebody's image: {self.generated:,} of {self.pixels:,} px generated{near}"


class Issued(ReportModel):
    """The ledger's row for an image that was issued here. `edit`: set if it is an edit of an input image."""

    content_id: str
    created_at: str
    model: str
    sha256: str
    edit: Edited | None = None

    @classmethod
    def of(cls, issue: Issue, edit: IssuedEdit | None = None) -> "Issued":
        """The part of a ledger row that a report shows."""
        return cls(
            content_id=issue.content_id,
            created_at=stamp(issue.created_at),
            model=issue.model,
            sha256=issue.sha256,
            edit=Edited(**asdict(edit)) if edit else None,
        )


class MarkPresence(ReportModel):
    """How clearly the template that all our watermarks share is heard in the pixels."""

    score: float = Field(description="Correlation with the template, in standard deviations of chance.")
    p_value: float = Field(description="Upper bound of the probability that an unmarked image reaches this score.")


class KnownMarkTrace(ReportModel):
    """What is left of the watermark of one issued image that this one looks like, where no number can be read."""

    kind: Literal["carried", "subtracted"] = Field(
        description="`carried`: the watermark is there, too faint to be read. `subtracted`: its negative is there."
    )
    mark_id: str = Field(description="12 hexadecimal digits.")
    issued: Issued
    same_image: bool | None = Field(description="Whether the look of the image is that of the issued one.")
    message: float = Field(description="Correlation with this very watermark, in standard deviations of chance.")
    template: float = Field(description="The same with the template that all our watermarks share.")
    p_value: float = Field(
        description="Upper bound of the probability that an unmarked image shows as much of any issued image it is "
        "compared with."
    )


class WatermarkReading(ReportModel):
    """One watermark codec's answer: ours first, then third-party codecs.

    `same_image`: this is the image that the watermark was issued on.
    """

    codec: str
    present: bool
    mark_id: str | None = Field(None, description="12 hexadecimal digits.")
    confidence: float | None = None
    issued: Issued | None = None
    same_image: bool | None = None
    distance: int | None = Field(None, description="PDQ Hamming distance to the issued image, 0 to 256.")
    resemblance: Literal["same", "part", "other", "undecided"] | None = Field(
        None,
        description="What the image has to do with the issued one: the same; a part of it, or turned or edited; "
        "clearly another one, onto which the watermark was moved; or it cannot be told.",
    )
    agreement: float | None = Field(
        None,
        description="How well the image fits the part of the issued one that it covers, in standard deviations of "
        "what unrelated images reach. Given where whole images do not match.",
    )
    shown: float | None = Field(None, description="Share of the issued image that is shown and compared, 0 to 1.")
    coverage: float | None = Field(
        None,
        description="Share of the image that still carries our watermark, 0 to 1. If one side is more than twice as "
        "long as the other, only the middle is searched, and this is the share of the middle.",
    )
    presence: MarkPresence | None = Field(
        None, description="Where our watermark cannot be read: how clearly its template is heard all the same."
    )
    known: list[KnownMarkTrace] | None = Field(
        None, description="Where our watermark cannot be read: what is left of those of issued images that look alike."
    )
    name: str | None = Field(None, description="Name of a third-party watermark.")
    payload: str | None = Field(None, description="Payload of a third-party watermark.")
    synthetic: bool = Field(False, description="Third-party watermark that only image generators embed.")
    note: str | None = Field(None, description="Why a codec gave no answer.")
