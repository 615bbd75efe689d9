"""What the file's unsigned metadata declares about its origin."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Self

from pydantic import Field

from detectors import Declaration, declarations
from detectors.declared.table import Forging, Origin, Source
from service.examiner.codes import ReasonCode, Topic, holding
from service.examiner.examination import Examination, FileExamination, Sources
from service.examiner.lanes.lane import Finding, Lane
from service.examiner.policy import Signal
from service.examiner.sections import ReportModel


class Declared(ReportModel):
    """A statement in unsigned metadata: anyone can write one."""

    source: Source
    origin: Origin
    value: str = Field(description="What the statement names. Never a prompt, never the name of a person.")
    rule: str = Field("", description="The row of docs/declarations.md.")
    tool: str = Field("", description="What writes such a statement.")
    field: str = Field("", description="Where it stands, PLACE:NAME.")
    forging: Forging = Field("field", description="What a forger must imitate: one text field, or a structure.")


class DeclaredReason(ReasonCode):
    SYNTHETIC = (
        "metadata_declares_synthetic",
        Topic.ORIGIN,
        "Unsigned metadata says that a generator made the image.",
    )
    COMPOSITE = (
        "metadata_declares_composite",
        Topic.ORIGIN,
        "Unsigned metadata says that parts of the image are synthetic.",
    )
    CAMERA = (
        "metadata_declares_camera",
        Topic.ORIGIN,
        "Unsigned metadata says that a camera made the image.",
    )


class DeclaredLane(Lane[list[Declared]]):
    """IPTC, EXIF, XMP, PNG text, comments and AIGC labels, by the table of declarations."""

    field = "claimed.declarations"
    reasons = DeclaredReason
    does_not_prove = "Anyone can write or remove unsigned metadata."

    @classmethod
    def open(cls, sources: Sources) -> Self:
        return cls()

    def find(self, examination: Examination) -> Finding[list[Declared]]:
        return finding(declarations(examination.metadata))

    def find_without_pixels(self, file: FileExamination) -> Finding[list[Declared]]:
        return finding(declarations(file.metadata))

    @staticmethod
    def lines(section: list[Declared]) -> Iterator[str]:
        for declared in section:
            yield f"{declared.source}: {declared.value} ({declared.origin})"


def finding(statements: Sequence[Declaration]) -> Finding[list[Declared]]:
    """What metadata statements show."""
    origins = {statement.origin for statement in statements}
    signals = {
        Signal.SYNTHETIC_CLAIMED: "synthetic" in origins,
        Signal.COMPOSITE_CLAIMED: "composite" in origins,
        Signal.CAMERA_CLAIMED: "camera" in origins,
    }
    reasons: dict[ReasonCode, bool] = {
        DeclaredReason.SYNTHETIC: "synthetic" in origins,
        DeclaredReason.COMPOSITE: "composite" in origins,
        DeclaredReason.CAMERA: "camera" in origins,
    }
    return Finding(
        section=[Declared(**asdict(statement)) for statement in statements],
        signals=frozenset(holding(signals)),
        reasons=holding(reasons),
    )
