"""A prompt classifier: one score per category from a linear ONNX model over hashed features.

It was trained on prompts that produced inappropriate images. For its limits see models/weights/prompts/README.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from detectors.prompts.categories import LEARNED, Learned
from detectors.prompts.features import features
from models import CPU, Card, ModelFault, Session, Task

_TOLERANCE = 0.01  # kernels differ in the last digits, a wrong model in the first ones

Probability = Annotated[float, Field(ge=0, le=1)]


class Canary(BaseModel):
    """A text and its scores when the model was trained."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    text: str
    scores: dict[Learned, Probability]


class PromptThresholds(BaseModel):
    """`limits`: per category, the score that hardly any harmless prompt reaches; `canaries`: self-test texts."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    limits: dict[Learned, Probability]
    canaries: tuple[Canary, ...] = Field(min_length=2)


@dataclass(frozen=True, slots=True)
class Score:
    """`score` in [0, 1], not a probability; `limit`: the score from which it is significant."""

    category: Learned
    score: float
    limit: float


class PromptClassifier:
    """One score per category. Thread-safe; about a millisecond per prompt."""

    def __init__(self, card: Card, *, threads: int = 1, providers: Sequence[str] = CPU) -> None:
        """Load the verified weights and test them with the canaries.

        Raises:
            ModelMissing, DigestMismatch: the files are missing or differ from the card.
            ModelFault: they cannot be loaded, or score the canaries differently than after training.
        """
        self.card = card
        self._session = Session(card, "linear.onnx", threads=threads, providers=providers)
        self._limits = _limits(card)
        for canary in self._limits.canaries:
            for found in self(canary.text):
                if not abs(found.score - canary.scores.get(found.category, 2)) <= _TOLERANCE:
                    raise ModelFault(f"{card.identity}: the canary's {found.category} score is {found.score:.3f}")

    def __call__(self, text: str) -> tuple[Score, ...]:
        """Score a normalised text, in the order of `LEARNED`.

        Raises:
            ModelFault: the output is not one number in [0, 1] per category.
        """
        scores = self._session.run(features(text)[None])
        if scores.shape != (1, len(LEARNED)) or not ((scores >= 0) & (scores <= 1)).all():
            raise ModelFault(f"{self.card.identity}: the output is not one score per category")
        row = np.asarray(scores[0], float).tolist()
        return tuple(Score(c, s, self._limits.limits[c]) for c, s in zip(LEARNED, row, strict=True))


def _limits(card: Card) -> PromptThresholds:
    try:
        limits = PromptThresholds.model_validate_json(card.read("limits.json"))
    except ValidationError as malformed:
        raise ModelFault(f"{card.identity}: limits.json is malformed") from malformed
    if set(limits.limits) != set(LEARNED):
        raise ModelFault(f"{card.identity}: limits.json does not list every category")
    return limits


PROMPT_SCREENING = Task(
    "prompt-screening",
    "Scores a prompt by category of unwanted content.",
    PromptClassifier,
)
