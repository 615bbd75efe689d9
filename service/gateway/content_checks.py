"""The checks of prompts and pixels by themselves: what they say about a text or an image that nobody ordered.

They are the ones that orders pass. Hash lists and protected people are not among them: whoever could ask about any
image would learn who is enrolled and what is listed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np
import structlog
from numpy.typing import NDArray

from detectors import Finding
from detectors.prompts import MAX_CHARACTERS, PromptFinding
from service.gateway import policy, prompt_policy
from service.gateway.admission import Screen
from service.gateway.screening import Checker
from service.kit.deadline import within
from service.kit.errors import Unavailable

T = TypeVar("T")

log = structlog.get_logger()

_OVERLAP = 200  # characters that two parts of a long text share, so that no phrase is cut


@dataclass(frozen=True, slots=True)
class ContentFinding:
    """`scores` (0 to 1) by category or label, and those for which an order would be `refused`."""

    scores: Mapping[str, float]
    refused: frozenset[str]


@dataclass(frozen=True, slots=True)
class ContentChecks:
    """The prompt screen and the safety checkers of an installation. Thread-safe.

    `threshold`: the operator's safety score from which an image is refused. `timeout`: seconds of each check.
    """

    prompts: Screen
    checkers: Sequence[Checker]
    threshold: float
    timeout: float

    def text(self, text: str) -> ContentFinding:
        """What the prompt screen says of a text of any length. Raises Unavailable if it gives no answer."""
        steps = range(0, max(len(text) - _OVERLAP, 1), MAX_CHARACTERS - _OVERLAP)
        return together([self._part(text[start : start + MAX_CHARACTERS]) for start in steps])

    def image(self, rgb: NDArray[np.uint8]) -> ContentFinding:
        """What the safety checkers say of an image (uint8, H x W x 3). Raises Unavailable if one gives no answer."""
        findings = []
        for checker in self.checkers:
            answer = self._answer(partial(_checked, checker, rgb))
            refused = frozenset(each.label for each in policy.unsafe(answer, self.threshold))
            findings.append(ContentFinding({each.label: each.score for each in answer}, refused))
        return together(findings)

    def _part(self, text: str) -> ContentFinding:
        finding = self._answer(partial(_screened, self.prompts, text))
        refused = frozenset(prompt_policy.grounds(finding).categories)
        ruled = dict.fromkeys(refused - {score.category for score in finding.scores}, 1.0)
        return ContentFinding(ruled | {score.category: score.score for score in finding.scores}, refused)

    def _answer(self, work: Callable[[], T]) -> T:
        try:
            return within(self.timeout, work)
        except Exception as failed:
            log.error("content_check_failed", error=type(failed).__name__)
            raise Unavailable("a check gave no usable answer") from failed


def _checked(checker: Checker, rgb: NDArray[np.uint8]) -> list[Finding]:
    """Raises ValueError, or TypeError, for an answer that is not usable."""
    answer = list(checker([rgb]))
    if not policy.is_answer(answer, 1):
        raise ValueError(f"the safety check {checker.name} gave no usable answer")
    return answer


def _screened(screen: Screen, text: str) -> PromptFinding:
    """Raises ValueError for an answer that is not usable."""
    finding = screen.screen(text)
    if not prompt_policy.is_answer(finding):
        raise ValueError("the prompt screen gave no usable answer")
    return finding


def together(findings: Sequence[ContentFinding]) -> ContentFinding:
    """The highest score of each category, and whatever one of them refuses."""
    scores: dict[str, float] = {}
    for finding in findings:
        scores |= {name: max(score, scores.get(name, 0.0)) for name, score in finding.scores.items()}
    return ContentFinding(scores, frozenset().union(*(finding.refused for finding in findings)))
