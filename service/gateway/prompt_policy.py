"""From the evidence about a prompt to a refusal: pure functions, no IO, no models."""

import math
from collections.abc import Collection
from dataclasses import dataclass

from detectors.prompts import LEARNED, NAMES, PromptFinding, name_key


@dataclass(frozen=True, slots=True)
class Grounds:
    """Why a prompt is refused: `categories` and `rules` (ids), both sorted; empty `categories`: it is not."""

    categories: tuple[str, ...]
    rules: tuple[str, ...]


def is_answer(finding: object) -> bool:
    """A screen's answer can be used: every category once, each score and limit a number in [0, 1]."""
    return (
        isinstance(finding, PromptFinding)
        and tuple(score.category for score in finding.scores) == LEARNED
        and all(math.isfinite(x) and 0 <= x <= 1 for score in finding.scores for x in (score.score, score.limit))
    )


def grounds(finding: PromptFinding, agreed: Collection[str] = ()) -> Grounds:
    """A rule that refuses, or a score at its limit. Notes, disguises and lower scores are evidence and refuse nothing.

    Nor does the negative prompt: "nude, child" there asks for neither. Nor do lists of people, if every name of theirs
    in the prompt is one of `agreed`: the names of those who allowed it.
    """
    allowed = finding.named <= {name_key(name) for name in agreed}
    ruled = [hit for hit in finding.hits if hit.severity == "refuse" and not (allowed and hit.rule.startswith(NAMES))]
    scored = {score.category for score in finding.scores if score.score >= score.limit}
    categories = scored | {hit.category for hit in ruled}
    return Grounds(tuple(sorted(categories)), tuple(sorted({hit.rule for hit in ruled})))
