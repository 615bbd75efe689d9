"""Third-party classifiers of synthetic images, added by a card."""

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from detectors.findings import Finding
from detectors.onnx_classifier import ClassifierOptions, OnnxClassifier, options_of
from models import CPU, Card, Task


class MemberOptions(ClassifierOptions):
    """A classifier: how its input is prepared, and which of its outputs means synthetic."""

    synthetic: Annotated[int, Field(ge=0, description="Index of the output that means synthetic.")]
    inverted: Annotated[bool, Field(description="That output means real instead.")] = False


class Member:
    """One such classifier. Thread-safe. Its score is not calibrated and counts as separate evidence."""

    def __init__(self, card: Card, *, threads: int = 1, providers: Sequence[str] = CPU) -> None:
        """Raises ModelMissing, DigestMismatch or ModelFault if the card or its ONNX file is not usable."""
        self._options = options_of(card, MemberOptions)
        self.card = card
        self._classifier = OnnxClassifier(card, self._options, threads=threads, providers=providers)
        self.digest = self._classifier.digest

    def prepare(self, rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Preprocess an image (uint8, H x W x 3) into the model's input (float32, 3 x size x size)."""
        return self._classifier.prepare(rgb)

    def judge(self, prepared: Sequence[NDArray[np.float32]]) -> list[Finding]:
        """Return a Finding per image with its score (0..1) for being synthetic. Raises ModelFault."""
        found = self._classifier.probabilities(prepared)
        self._classifier.require(self._options.synthetic, found.shape[1])
        scores = found[:, self._options.synthetic]
        return [self._finding(float(1 - score if self._options.inverted else score)) for score in scores]

    def _finding(self, score: float) -> Finding:
        return Finding(self.card.name, "synthetic", score, self.card.identity, self.digest)


SYNTHETIC_DETECTION = Task(
    "synthetic-detection",
    "Scores how synthetic an image is. Every such card is one more classifier beside the shipped ones.",
    Member,
    options=(MemberOptions,),
)
