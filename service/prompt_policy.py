"""From the evidence about a prompt to a refusal: pure functions, no IO, no models."""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

from detectors.prompts import LEARNED, Category, PromptFinding

NAMED: Category = "named_person"


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


def without(prompt: str, names: Iterable[str]) -> str:
    """The prompt with "somebody" in place of these names, written out in whole words, in any case."""
    for name in names:
        words = r"\W+".join(re.escape(word) for word in name.split())
        prompt = re.sub(rf"(?<!\w){words}(?!\w)", "somebody", prompt, flags=re.IGNORECASE) if words else prompt
    return prompt


def grounds(finding: PromptFinding) -> Grounds:
    """A rule that refuses, or a score at its limit. Notes, disguises and lower scores are evidence and refuse nothing.

    Nor does the negative prompt: "nude, child" there asks for neither.
    """
    ruled = [hit for hit in finding.hits if hit.severity == "refuse"]
    scored = {score.category for score in finding.scores if score.score >= score.limit}
    categories = scored | {hit.category for hit in ruled}
    return Grounds(tuple(sorted(categories)), tuple(sorted({hit.rule for hit in ruled})))
