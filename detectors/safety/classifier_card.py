"""A safety classifier that an operator added by its card."""

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
    """Scores images with one such classifier; thread-safe."""

    def __init__(self, card: Card, *, threads: int = 1, providers: Sequence[str] = CPU) -> None:
        """Load the checked weights and prove that they tell pictures apart.

        Raises:
            ModelMissing, DigestMismatch: the file is not there, or not the card's.
            ModelFault: the card makes no sense of its model, or the model gives one answer to every picture.
        """
        self._options = options_of(card, SafetyOptions)
        self.card = card
        self.name = card.name
        self._classifier = OnnxClassifier(card, self._options, threads=threads, providers=providers)
        self._prove()

    def __call__(self, images: Sequence[NDArray[np.uint8]]) -> list[Finding]:
        """One Finding for each RGB image (uint8, H x W x 3), in order.

        Where outputs are independent (`sigmoid`) their sum is no less than the probability of any of them, so it
        errs on the side of refusing; it ends at 1.

        Raises:
            ModelFault: no image was given, or the model's answer is not one probability a class.
        """
        if not images:
            raise ModelFault(f"{self.card.identity}: no image to check")
        found = self._classifier.probabilities([self._classifier.prepare(image) for image in images])
        self._classifier.require(max(self._options.unsafe), found.shape[1])
        scores = found[:, list(self._options.unsafe)].sum(axis=1)
        return [self._finding(min(float(score), 1.0)) for score in scores]

    def _finding(self, score: float) -> Finding:
        return Finding(self.name, self._options.label, score, self.card.identity, self._classifier.digest)

    def _prove(self) -> None:
        """Nothing is known of what it should say, only that what says unsafe must not say the same of everything."""
        noise = np.random.default_rng(0).integers(0, 256, (224, 224, 3), np.uint8)
        pictures = [noise, canary(614), canary(876)]
        scores = {finding.score for finding in self(pictures)}  # every answer can be used
        outputs = self._classifier.outputs([self._classifier.prepare(picture) for picture in pictures])
        unsafe = outputs[:, list(self._options.unsafe)]
        if len(scores) == 1 and (unsafe == unsafe[0]).all():
            raise ModelFault(f"{self.card.identity}: it gives different pictures one answer; it must not be used")
