"""A prompt screen whose answer is scripted."""

from collections.abc import Callable

from detectors.prompts import LEARNED, PromptFinding, RuleHit, Score


class Screen:
    """Finds nothing, or whatever `answer(prompt)` gives."""

    def __init__(self, answer: Callable[[str], object] | None = None) -> None:
        self._answer = answer
        self.seen: list[tuple[str, str]] = []

    def screen(self, prompt: str, negative_prompt: str = "") -> PromptFinding:
        self.seen.append((prompt, negative_prompt))
        return self._answer(prompt) if self._answer else evidence()  # type: ignore[return-value]


def evidence(
    hits: tuple[RuleHit, ...] = (), negative_hits: tuple[RuleHit, ...] = (), **scores: object
) -> PromptFinding:
    """Evidence with these hits and scores, by default 0.1; every limit is 0.9."""
    found = tuple(Score(category, scores.get(category, 0.1), 0.9) for category in LEARNED)  # type: ignore[arg-type]
    return PromptFinding("text", (), found, hits, negative_hits, "scripted@1", "0" * 64, ())
