"""What a file carries of what a law asks for, item by item. It is no legal advice, and it judges no service."""

from collections.abc import Iterator
from typing import Any

from pydantic import Field

from detectors import Metadata
from service.examiner.report import Report
from service.examiner.sections import ReportModel
from service.labels.profile import Evidence, Item, Profile, Status
from watermark.c2pa.manifest import ADDED_TEXT, DISCLOSURE_LABEL

NOTICE = (
    "This is no legal advice. It says what this file carries; not whether the law applies, nor what its provider does. "
    "Metadata without a signature can be written by anybody."
)
_INTACT = ("trusted", "valid_untrusted")
_DRAWN = "the credential says that text was drawn into the image"


class CheckedItem(ReportModel):
    """One thing that the law asks for, and whether the file carries it."""

    id: str
    requirement: str
    required: bool = Field(description="False: advised, or asked of somebody else than the provider.")
    status: Status = Field(description="`look`: only a person who looks at the image can tell.")
    found: str = Field(description="What the file carries, and where; empty if nothing.")
    source: str
    proves_not: str


class ComplianceReport(ReportModel):
    """A file against one law. `complete`: no required item is lacking; `look` counts as not lacking."""

    file: str
    sha256: str
    law: str
    title: str
    in_force: str
    complete: bool
    items: list[CheckedItem]
    beyond: str = Field(description="What the law asks of people and services, which no file can show.")
    notice: str = NOTICE


def check(report: Report, metadata: Metadata, profile: Profile) -> ComplianceReport:
    """What a file carries of what `profile` asks for, from its report and its metadata."""
    evidence = evidence_of(report, metadata)
    items = [_checked(item, evidence) for item in profile.items]
    return ComplianceReport(
        file=report.file,
        sha256=report.asset.sha256,
        law=profile.name,
        title=profile.title,
        in_force=profile.in_force,
        complete=not any(item.required and item.status == "lacking" for item in items),
        items=items,
        beyond=profile.beyond,
    )


def evidence_of(report: Report, metadata: Metadata) -> Evidence:
    """The part of a report that laws ask about. A credential that is not intact counts as none."""
    marks = tuple(dict.fromkeys(_marks(report)))
    claimed = report.claimed
    if claimed.state not in _INTACT:
        return Evidence(metadata=metadata, marks=marks)
    disclosure: dict[str, Any] = claimed.disclosures.get(DISCLOSURE_LABEL) or {}
    made = next((action for action in claimed.actions if action.when), None)
    return Evidence(
        metadata=metadata,
        signed=True,
        trusted=claimed.state == "trusted",
        timestamped=claimed.signed_at is not None,
        source_types=frozenset((action.digital_source_type or "").rsplit("/", 1)[-1] for action in claimed.actions),
        disclosure={key: str(value) for key, value in disclosure.items()},
        generator=claimed.generator or "",
        signer=claimed.issuer or claimed.signer or "",
        manifest_id=claimed.manifest_id or "",
        created_at=claimed.signed_at or (made.when if made and made.when else ""),
        labelled=_labelled(report),
        marks=marks,
    )


def _marks(report: Report) -> Iterator[str]:
    """Watermarks that only generators embed; ours only on the image that it was issued on, or on one we do not know."""
    for mark in report.marked:
        elsewhere = mark.same_image is False and mark.resemblance != "part"
        if mark.present and not elsewhere and (mark.mark_id or mark.synthetic):
            yield mark.name or mark.codec


def _labelled(report: Report) -> str:
    return _DRAWN if any(action.action == ADDED_TEXT for action in report.claimed.actions) else ""


def _checked(item: Item, evidence: Evidence) -> CheckedItem:
    found = item.check(evidence)
    status: Status = "present" if found else "look" if item.visible else "lacking"
    return CheckedItem(
        id=item.id,
        requirement=item.requirement,
        required=item.required,
        status=status,
        found=found,
        source=item.source,
        proves_not=item.proves_not,
    )
