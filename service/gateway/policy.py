"""What the safety checkers' answers mean: pure functions, no IO."""

import math
from collections.abc import Sequence

from detectors import Finding


def is_answer(findings: Sequence[object], images: int) -> bool:
    """Whether a checker's answer is usable: one Finding an image, each score a number in [0, 1]."""
    return len(findings) == images and all(
        isinstance(finding, Finding) and math.isfinite(finding.score) and 0 <= finding.score <= 1
        for finding in findings
    )


def unsafe(findings: Sequence[Finding], threshold: float) -> tuple[Finding, ...]:
    """The findings that reach the threshold. Any one refuses the image: checkers cannot outvote each other."""
    return tuple(finding for finding in findings if finding.score >= threshold)
