"""What API and command line report about a released image."""

from pydantic import BaseModel, Field

from detectors import Finding
from service.gateway.stages import Admitted, Proven, Released
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
    return summarize_proven(released.proven, released.sha256).model_copy(
        update={"decision": released.decision, "proof": released.proof}
    )


def summarize_proven(proven: Proven, sha256: str) -> ReleaseSummary:
    """The summary of an image that is about to be released: `decision` and `proof` are empty."""
    signed = proven.signed
    draft = signed.marked.cleared.draft
    admitted = draft.admitted
    return ReleaseSummary(
        content_id=admitted.content_id,
        mark_id=f"{admitted.mark_id:012x}",
        sha256=sha256,
        seed=admitted.job.seed,
        decision="",
        proof="",
        safety=[_score(finding, admitted) for finding in signed.marked.cleared.findings],
        warnings=[
            *admitted.warnings,
            *([_STEERED] if draft.steering else []),
            *(mark.warning for mark in signed.marked.imprint.earlier),
            *([_UNTIMESTAMPED] if signed.timestamp == "untimestamped" else []),
        ],
        energy=Cost.model_validate(draft.energy.rounded()) if draft.energy else None,
        timestamp=signed.timestamp,
        edit=EditSummary.model_validate(draft.edit.as_json()) if draft.edit else None,
    )


def _score(finding: Finding, admitted: Admitted) -> SafetyScore:
    label = finding.label
    if finding.detector == LIKENESS and admitted.client.name:  # a tenant knows the grant, not the subject
        label = next((grant.id for grant in admitted.grants if grant.subject == label), "")
    return SafetyScore(detector=finding.detector, label=label, score=round(finding.score, 4))
