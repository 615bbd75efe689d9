"""From the evidence about a prompt to a refusal: pure functions, no IO, no models."""

import math
from collections.abc import Collection
from dataclasses import dataclass

from detectors.prompts import LEARNED, NAMES, PromptFinding, name_key


@dataclass(frozen=True, slots=True)
class Grounds:
    """Why a prompt is refused: `categories` and `rules` (ids), both sorted. Without categories it is not refused."""

    categories: tuple[str, ...]
    rules: tuple[str, ...]


def is_answer(finding: object) -> bool:
    """Whether a screen's answer is usable: every category once, each score and limit a number in [0, 1]."""
    return (
        isinstance(finding, PromptFinding)
        and tuple(score.category for score in finding.scores) == LEARNED
        and all(math.isfinite(x) and 0 <= x <= 1 for score in finding.scores for x in (score.score, score.limit))
    )


def grounds(finding: PromptFinding, agreed: Collection[str] = ()) -> Grounds:
    """Refuse for a rule that refuses, or a score at its limit. Notes, disguises and lower scores are evidence only.

    The negative prompt never refuses: "nude, child" there asks for neither. Lists of people do not refuse if every
    listed name in the prompt is in `agreed`: the names of the people who allowed it.
    """
    allowed = finding.named <= {name_key(name) for name in agreed}
    ruled = [hit for hit in finding.hits if hit.severity == "refuse" and not (allowed and hit.rule.startswith(NAMES))]
    scored = {score.category for score in finding.scores if score.score >= score.limit}
    categories = scored | {hit.category for hit in ruled}
    return Grounds(tuple(sorted(categories)), tuple(sorted({hit.rule for hit in ruled})))
