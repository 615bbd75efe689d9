"""What a page shows of a report: plain words first, then the evidence. No HTML, and nothing that a template decides."""

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from service.examiner.examiner import IllustratedReport
from service.examiner.policy import Outcome, Verdict
from service.examiner.report import CONFLICTS, Report
from service.presentation.messages import Messages
from service.presentation.provenance_tree import Node, nodes

Tone = Literal["known", "stated", "caution", "changed", "unknown"]
"""How firm the answer is, for its colour and symbol: known by our records, stated by somebody, to be read with care,
changed after signing, or nothing known."""

TONES: Mapping[Verdict, Tone] = {
    Verdict.TAMPERED: "changed",
    Verdict.ISSUED_HERE: "known",
    Verdict.EDITED_HERE: "known",
    Verdict.DECLARED_SYNTHETIC: "stated",
    Verdict.DECLARED_COMPOSITE: "stated",
    Verdict.MARKED_SYNTHETIC: "stated",
    Verdict.CREDENTIAL_EXPIRED: "caution",
    Verdict.CREDENTIAL_UNREADABLE: "caution",
    Verdict.LIKELY_SYNTHETIC: "unknown",
    Verdict.DECLARED_CAMERA: "stated",
    Verdict.LIKELY_CAMERA: "unknown",
    Verdict.INCONCLUSIVE: "unknown",
}
_SIGNED_STATEMENTS = {
    Verdict.DECLARED_SYNTHETIC: "credential_declares_synthetic",
    Verdict.DECLARED_COMPOSITE: "credential_declares_composite",
    Verdict.DECLARED_CAMERA: "credential_declares_camera",
}
"""By verdict, the reason that shows that a credential makes the statement, and not unsigned metadata."""


_WHOLE = 0.95
"""Coverage above which a watermark is said to be in the whole image: edges and flat places lose a little of it."""


@dataclass(frozen=True, slots=True)
class SectionView:
    """One kind of evidence: what was found, in English, and what it does not prove."""

    heading: str
    meaning: str
    lines: tuple[str, ...]
    limits: str


@dataclass(frozen=True, slots=True)
class ReportView:
    """One file's report in one language. Pictures are `data:` URLs."""

    file: str
    verdict: str
    outcome: str
    tone: Tone
    headline: str
    meaning: str
    checked: str
    partly: str | None
    reasons: tuple[str, ...]
    conflicts: tuple[str, ...]
    sections: tuple[SectionView, ...]
    tree: Node | None
    thumbnails: Mapping[str, str]
    preview: str | None
    evidence: str | None
    issued: str | None
    moved: bool
    facts: str
    frames: int
    sha256: str
    not_examined: str | None


def view(illustrated: IllustratedReport, words: Messages) -> ReportView:
    """The view of a report in the language of `words`."""
    report = illustrated.report
    kind = f"verdict.{_kind(report)}"
    return ReportView(
        file=report.file,
        verdict=report.verdict.value,
        outcome=report.outcome.value,
        tone="known" if kind.endswith("-verified") else TONES[report.verdict],
        headline=words(f"{kind}.headline"),
        meaning=words(f"{kind}.meaning"),
        checked=words(f"outcome.{report.outcome.value}"),
        partly=_partly(report, words),
        reasons=tuple(words.translated(f"reason.{reason.code}", reason.text) for reason in report.reasons),
        conflicts=tuple(words.translated(f"conflict.{code}", CONFLICTS[code]) for code in report.conflicts),
        sections=tuple(_sections(report, words)),
        tree=nodes(report.claimed),
        thumbnails={place: data_url("image/jpeg", jpeg) for place, jpeg in illustrated.thumbnails.items()},
        preview=_picture(illustrated.preview),
        evidence=_picture(illustrated.evidence),
        issued=_picture(illustrated.issued),
        moved=any(mark.resemblance == "other" for mark in report.marked),
        facts=_facts(report, words),
        frames=report.asset.frames,
        sha256=report.asset.sha256,
        not_examined=report.asset.not_examined,
    )


def data_url(mime: str, data: bytes) -> str:
    """A `data:` URL of these bytes."""
    return f"data:{mime};base64,{b64encode(data).decode()}"


def _partly(report: Report, words: Messages) -> str | None:
    """How much of the image no longer carries our watermark, if it is worth saying."""
    covered = min((mark.coverage for mark in report.marked if mark.coverage is not None), default=1.0)
    return None if covered > _WHOLE else words("report.partly", percent=round(100 * (1 - covered)))


def _picture(jpeg: bytes | None) -> str | None:
    return None if jpeg is None else data_url("image/jpeg", jpeg)


def _kind(report: Report) -> str:
    """The verdict's key. `-verified`: the statement is that of a trusted signer, about this very file."""
    codes = {reason.code for reason in report.reasons}
    signed = {"credential_trusted", _SIGNED_STATEMENTS.get(report.verdict)} <= codes
    if signed and report.outcome is Outcome.VERIFIED and "origin_through_ingredient" not in codes:
        return f"{report.verdict.value}-verified"
    return report.verdict.value


def _sections(report: Report, words: Messages) -> Iterator[SectionView]:
    for field, lanes in report.by_field().items():
        limits: Sequence[str] = [
            words.translated(f"limit.{lane.__name__}", lane.does_not_prove) for lane, _ in lanes if lane.does_not_prove
        ]
        yield SectionView(
            heading=words.find(f"section.{field}.heading") or field,
            meaning=words.find(f"section.{field}.meaning") or "",
            lines=tuple(line for lane, section in lanes for line in lane.lines(section)),
            limits=" ".join(limits),
        )


def _facts(report: Report, words: Messages) -> str:
    asset = report.asset
    size = f"{asset.bytes:,}"
    if not asset.width:
        return words("report.size_without_pixels", mime=asset.mime, bytes=size)
    return words("report.size", mime=asset.mime, width=asset.width, height=asset.height, bytes=size)
