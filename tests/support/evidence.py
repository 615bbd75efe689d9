"""Evidence of every kind without a file, and the report that it makes."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np

from detectors import Declaration
from service.examiner.examination import Sources, Trace
from service.examiner.inference import Inferred
from service.examiner.lanes import (
    LANES,
    Finding,
    Lane,
    declared,
    foreign,
    inferred,
    marked,
    matched,
    recovered,
)
from service.examiner.lanes.claimed import lane as claimed
from service.examiner.policy import Signal, Verdict
from service.examiner.report import Asset, Report, compose
from service.examiner.sections import WatermarkReading
from service.installation import Installation
from service.ledger.ledger import Issue
from watermark import Codec, Reading
from watermark.c2pa.credentials import Credential

ASSET = Asset(sha256="0" * 64, mime="image/png", bytes=1, width=1, height=1)


def reading(mark_id: int, coverage: float = 1.0, version: int = Codec.VERSION) -> Reading:
    """A watermark that was read."""
    cover = lambda: np.full((2, 2), coverage, np.float32)  # noqa: E731
    return Reading(mark_id, 0.9, version, 0, 1.0, 0.0, False, 1.0, cover)


def issue(mark_id: int = 1) -> Issue:
    """A ledger row."""
    return Issue(
        mark_id=mark_id,
        content_id=f"urn:uuid:{mark_id}",
        created_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
        mime="image/png",
        width=1,
        height=1,
        sha256="0" * 64,
        fingerprint=bytes(32),
        fingerprint_quality=100,
        manifest=b"",
        model="painter@1",
        model_digest="0" * 64,
        seed=0,
        prompt_digest="",
    )


def sources_of(installation: Installation) -> Sources:
    """What the lanes of an installation look at, without its classifiers."""
    return Sources(
        installation.settings,
        installation.codec,
        installation.credentials.reader,
        installation.ledger,
        lambda _image: Inferred(state="not_asked"),
    )


def shown(finding: Finding[Any]) -> tuple[set[Signal], list[str], list[str]]:
    """The signals, reasons and conflicts of a finding."""
    return set(finding.signals), [code.value for code in finding.reasons], [code.value for code in finding.conflicts]


@dataclass(frozen=True)
class Evidence:
    """Everything that can be found out about one file, in short."""

    credential: Credential
    declarations: tuple[Declaration, ...] = ()
    mark_id: int | None = None
    record_known: bool = False
    same_image: bool | None = None
    file_known: bool = False
    manifest_known: bool = False
    foreign_synthetic: bool = False
    matched: bool = False
    inferred: Verdict | None = None

    def report(self) -> Report:
        """The report of all lanes, weighed."""
        trace = Trace(
            reading(self.mark_id) if self.mark_id is not None else None,
            issue() if self.record_known else None,
            self.same_image,
            0 if self.record_known else None,
        )
        findings: dict[type[Lane[Any]], Finding[Any]] = {
            claimed.ClaimedLane: claimed.finding(
                self.credential, issued_manifest=self.manifest_known, issued_file=self.file_known
            ),
            recovered.RecoveredLane: recovered.finding(self.credential, None),
            declared.DeclaredLane: declared.finding(self.declarations),
            marked.MarkedLane: marked.finding(trace, self.credential),
            foreign.ForeignLane: foreign.finding(
                [WatermarkReading(codec="x", present=True, name="x", confidence=1.0, synthetic=True)]
                if self.foreign_synthetic
                else []
            ),
            matched.MatchedLane: matched.finding([(issue(), 0)] if self.matched else [], issued_file=self.file_known),
            inferred.InferredLane: inferred.finding(
                Inferred(state="available", verdict=self.inferred.value if self.inferred else None)
            ),
        }
        return compose("x.png", ASSET, [(lane.field, findings[lane]) for lane in LANES])
