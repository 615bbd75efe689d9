"""The report, as types. Its JSON schema is docs/report.schema.json, the same from API, CLI and offline.

`claimed`, `marked`, `matched` and `inferred` are kept apart: what the file says, what its pixels carry, what it looks
like, and what classifiers think. Each lane of evidence declares its own section. Bump VERSION's first part when a
field changes meaning or goes.
"""

from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter
from typing import Any, Literal

from pydantic import Field

from service.examiner.codes import catalogue, in_order
from service.examiner.examination import FileExamination
from service.examiner.inference import Inferred
from service.examiner.lanes import LANES, Finding, Lane
from service.examiner.lanes.claimed.section import Claimed
from service.examiner.lanes.matched import Matched
from service.examiner.policy import Contradiction, Outcome, Verdict, judge
from service.examiner.sections import Reason, ReportModel, WatermarkReading
from service.media.pictures import Picture

VERSION: Literal["2.0"] = "2.0"

REASONS = catalogue(lane.reasons for lane in LANES)
"""Every reason code and what it means in plain words."""

CONFLICTS = catalogue((*(lane.conflicts for lane in LANES), Contradiction))
"""Every conflict code and what it means in plain words."""


class Asset(ReportModel):
    """The examined bytes."""

    sha256: str
    mime: str
    bytes: int
    width: int | None = Field(description="Pixels, after EXIF orientation. Empty where they were not examined.")
    height: int | None
    frames: int = Field(default=1, description="Frames of an animation or pages of a document; the first was examined.")
    not_examined: str | None = Field(None, description="Why only the credential was read, and not the pixels.")

    @classmethod
    def unexamined(cls, file: FileExamination, reason: str) -> "Asset":
        """A file whose pixels cannot be decoded here."""
        return cls(
            sha256=file.sha256, mime=file.mime, bytes=len(file.data), width=None, height=None, not_examined=reason
        )

    @classmethod
    def of(cls, picture: Picture) -> "Asset":
        width, height = picture.size
        return cls(
            sha256=picture.sha256,
            mime=picture.mime,
            bytes=len(picture.data),
            width=width,
            height=height,
            frames=picture.frames,
        )


class Report(ReportModel):
    """Everything known about one file."""

    version: Literal["2.0"] = VERSION
    file: str = Field(description="The name the file was given by; `-` if there was none.")
    asset: Asset
    verdict: Verdict
    outcome: Outcome = Field(description="What `countermark verify` answers, from watermarks and credentials alone.")
    claimed: Claimed
    marked: list[WatermarkReading] = []
    matched: list[Matched] = []
    inferred: Inferred
    conflicts: list[str]
    reasons: list[Reason]

    def by_field(self) -> dict[str, list[tuple[type[Lane[Any]], Any]]]:
        """The lanes with their sections, under the field of the report that they belong to, in order."""
        fields: dict[str, list[tuple[type[Lane[Any]], Any]]] = {}
        for lane, section in self.sections():
            fields.setdefault(lane.field.partition(".")[0], []).append((lane, section))
        return fields

    def sections(self) -> Iterator[tuple[type[Lane[Any]], Any]]:
        """Every lane with its section, in order; of a shared list, the elements that it owns."""
        taken: set[int] = set()
        for lane in LANES:
            section = attrgetter(lane.field)(self)
            if isinstance(section, list):
                section = [element for element in section if id(element) not in taken and lane.owns(element)]
                taken.update(map(id, section))
            yield lane, section


def compose(file: str, asset: Asset, found: Sequence[tuple[str, Finding[Any]]]) -> Report:
    """One report from every lane's field and finding, weighed by `policy`."""
    findings = [finding for _, finding in found]
    judgement = judge({signal for finding in findings for signal in finding.signals})
    conflicts = [*(code for finding in findings for code in finding.conflicts), *judgement.conflicts]
    return Report(
        file=file,
        asset=asset,
        verdict=judgement.verdict,
        outcome=judgement.outcome,
        conflicts=[code.value for code in in_order(conflicts)],
        reasons=[Reason.of(code) for code in in_order(code for finding in findings for code in finding.reasons)],
        **_placed((field, finding.section) for field, finding in found),
    )


def _placed(sections: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Sections by report field. Lists for one field are joined; `a.b` sets the field b of the section a before it."""
    fields: dict[str, Any] = {}
    for place, section in sections:
        field, _, inner = place.partition(".")
        if inner:
            fields[field] = fields[field].model_copy(update={inner: section})
        elif field in fields:
            fields[field] = [*fields[field], *section]
        else:
            fields[field] = section
    return fields
