"""What the file's unsigned metadata declares about its origin."""

from collections.abc import Iterator, Sequence
from typing import Literal, Self

from detectors import Declaration, declarations
from service.examiner.codes import ReasonCode, Topic, holding
from service.examiner.examination import Examination, Sources
from service.examiner.lanes.lane import Finding, Lane
from service.examiner.policy import Signal
from service.examiner.sections import ReportModel


class Declared(ReportModel):
    """A statement in unsigned metadata: anyone can write one."""

    source: Literal["iptc", "png_text", "exif", "aigc"]
    origin: Literal["synthetic", "composite", "camera", "unknown"]
    value: str


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
    """IPTC, EXIF, PNG text and AIGC labels."""

    field = "claimed.declarations"
    reasons = DeclaredReason

    @classmethod
    def open(cls, sources: Sources) -> Self:
        return cls()

    def find(self, examination: Examination) -> Finding[list[Declared]]:
        return finding(declarations(examination.picture.metadata))

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
        section=[Declared(source=s.source, origin=s.origin, value=s.value) for s in statements],
        signals=frozenset(holding(signals)),
        reasons=holding(reasons),
    )
