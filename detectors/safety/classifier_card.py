"""Safety classifiers added by a card."""

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, BeforeValidator, Field

from detectors.findings import Finding
from detectors.onnx_classifier import ClassifierOptions, OnnxClassifier, options_of
from detectors.safety.canary import canary
from models import CPU, Card, ModelFault

Index = Annotated[int, Field(ge=0)]


class SafetyOptions(ClassifierOptions):
    """A classifier: how its input is prepared, which of its outputs mean unsafe, and what findings call that."""

    unsafe: Annotated[
        tuple[Index, ...],
        BeforeValidator(lambda value: [value] if isinstance(value, int) else value),
        AfterValidator(lambda indices: tuple(sorted(set(indices)))),
        Field(min_length=1, description="Index of the output that means unsafe, or a list of them; their sum counts."),
    ]
    label: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$", description="Name of what it finds.")]


class SafetyCard:
    """Scores images with one classifier. Thread-safe."""

    def __init__(self, card: Card, *, threads: int = 1, providers: Sequence[str] = CPU) -> None:
        """Load the verified weights and check that they distinguish images.

        Raises:
            ModelMissing, DigestMismatch: the file is missing or differs from the card.
            ModelFault: the card does not match the model, or the model gives every image the same score.
        """
        self._options = options_of(card, SafetyOptions)
        self.card = card
        self.name = card.name
        self._classifier = OnnxClassifier(card, self._options, threads=threads, providers=providers)
        self._self_test()

    def __call__(self, images: Sequence[NDArray[np.uint8]]) -> list[Finding]:
        """One Finding per RGB image (uint8, H x W x 3), in order.

        With independent outputs (`sigmoid`) their sum is at least the probability of each, so it errs on the side of
        refusing; it is capped at 1.

        Raises:
            ModelFault: there are no images, or the output is not one probability per class.
        """
        if not images:
            raise ModelFault(f"{self.card.identity}: no image to check")
        found = self._classifier.probabilities([self._classifier.prepare(image) for image in images])
        self._classifier.require(max(self._options.unsafe), found.shape[1])
        scores = found[:, list(self._options.unsafe)].sum(axis=1)
        return [self._finding(min(float(score), 1.0)) for score in scores]

    def _finding(self, score: float) -> Finding:
        return Finding(self.name, self._options.label, score, self.card.identity, self._classifier.digest)

    def _self_test(self) -> None:
        """The right scores are unknown, but the unsafe outputs must not be the same for every image."""
        noise = np.random.default_rng(0).integers(0, 256, (224, 224, 3), np.uint8)
        images = [noise, canary(614), canary(876)]
        scores = {finding.score for finding in self(images)}  # also checks that every score is valid
        outputs = self._classifier.outputs([self._classifier.prepare(image) for image in images])
        unsafe = outputs[:, list(self._options.unsafe)]
        if len(scores) == 1 and (unsafe == unsafe[0]).all():
            raise ModelFault(f"{self.card.identity}: it gives different images the same score, so it must not be used")
