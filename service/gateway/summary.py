"""What API and command line report about a released image."""

from pydantic import BaseModel, Field

from detectors import Finding
from service.gateway.stages import Released
from service.likeness.checks import LIKENESS
from watermark.c2pa.signing import Timestamp

_UNTIMESTAMPED = "untimestamped: the time-stamp authority did not answer, so the signature ends with its certificate"
_STEERED = "generated again, steered away from unsafe content: the first image was refused"


class SafetyScore(BaseModel):
    detector: str
    label: str
    score: float


class Cost(BaseModel):
    """What the image took to generate: device seconds and, measured or estimated, energy. See docs/generation.md.

    `method`: `rapl`, `nvml`, both as `nvml+rapl`, `model` for an estimate, `unknown` if there is none.
    """

    seconds: float
    watt_hours: float | None = None
    method: str


class EditSummary(BaseModel):
    """What an edit changed of its input, compared in the size of the result and before the watermark."""

    pixels: int = Field(description="Pixels of the image.")
    generated: int = Field(description="Pixels that the model could write; without a mask all of them.")
    changed: int = Field(description="Pixels that differ from the input by more than `threshold` in a channel.")
    threshold: int = Field(description="Levels of 255.")
    psnr: float | None = Field(None, description="Of the image to the input, dB; absent if nothing differs.")


class ReleaseSummary(BaseModel):
    """A released image. `decision` is the hash of its decision in the chain, and `proof` shows to anybody that the
    decision is in the audit log, with the decision itself (c2sp.org/tlog-proof; docs/audit-log.md).

    `timestamp`: `stamped` by a time-stamp authority, `untimestamped` although one is configured, or `none`.
    """

    content_id: str
    mark_id: str
    sha256: str
    seed: int
    decision: str
    proof: str
    safety: list[SafetyScore]
    warnings: list[str]
    energy: Cost | None = None
    timestamp: Timestamp = "none"
    edit: EditSummary | None = None


def summarize(released: Released) -> ReleaseSummary:
    """The summary of a released image."""
    admitted = released.admitted
    return ReleaseSummary(
        content_id=admitted.content_id,
        mark_id=f"{admitted.mark_id:012x}",
        sha256=released.sha256,
        seed=admitted.job.seed,
        decision=released.decision,
        proof=released.proof,
        safety=[_score(finding, released) for finding in released.findings],
        warnings=[
            *admitted.warnings,
            *([_STEERED] if released.steering else []),
            *(mark.warning for mark in released.earlier_marks),
            *([_UNTIMESTAMPED] if released.timestamp == "untimestamped" else []),
        ],
        energy=Cost.model_validate(released.energy.rounded()) if released.energy else None,
        timestamp=released.timestamp,
        edit=EditSummary.model_validate(released.edit.as_json()) if released.edit else None,
    )


def _score(finding: Finding, released: Released) -> SafetyScore:
    label = finding.label
    if finding.detector == LIKENESS and released.admitted.client.name:  # a tenant knows the grant, not the subject
        label = next((grant.id for grant in released.admitted.grants if grant.subject == label), "")
    return SafetyScore(detector=finding.detector, label=label, score=round(finding.score, 4))
