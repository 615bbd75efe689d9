"""What is told of a released picture, by the API and the command line alike."""

from pydantic import BaseModel

from detectors import Finding
from service.stages import Released

_STEERED = "drawn again, steered away from unsafe content: the first picture was refused"


class Score(BaseModel):
    detector: str
    label: str
    score: float


class Fact(BaseModel):
    """What we know of one released picture. `decision` is its link in the decision chain."""

    content_id: str
    mark_id: str
    sha256: str
    seed: int
    decision: str
    safety: list[Score]
    warnings: list[str]


def fact(released: Released) -> Fact:
    """What we tell of a released picture."""
    admitted = released.admitted
    return Fact(
        content_id=admitted.content_id,
        mark_id=f"{admitted.mark_id:012x}",
        sha256=released.sha256,
        seed=admitted.job.seed,
        decision=released.decision,
        safety=[_score(finding) for finding in released.findings],
        warnings=[*admitted.warnings, *([_STEERED] if released.steering else [])],
    )


def _score(finding: Finding) -> Score:
    return Score(detector=finding.detector, label=finding.label, score=round(finding.score, 4))
