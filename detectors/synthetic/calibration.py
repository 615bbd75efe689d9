"""From scores to a probability with an interval, and thresholds for each kind: all measured, none set by hand."""

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from models import Card

Probability = Annotated[float, Field(ge=0, le=1)]
BINS = 20
"""Bins of equal width over 0..1 in which probabilities are counted."""
Histogram = tuple[Annotated[int, Field(ge=0)], ...]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class KindScale(_Frozen):
    """Thresholds for one kind of image, and what held-out images taken for this kind did at them.

    `real`, `synthetic`: how many were measured. For each false-positive rate (as text), `synthetic_above` is the
    probability above which an image is called synthetic, and `false_positives` and `recall` are the shares of real and
    synthetic images that were, by thresholds set without their sources. A rate is absent if it cannot be held for this
    kind. Below `camera_below`, an image is called real; None: never. `real_histogram`, `synthetic_histogram`: how many
    held-out images of this kind, in both conditions, had a probability in each of BINS bins, to compare others with.
    """

    real: Annotated[int, Field(ge=0)]
    synthetic: Annotated[int, Field(ge=0)]
    synthetic_above: dict[str, Probability]
    false_positives: dict[str, Probability]
    recall: dict[str, Probability]
    camera_below: Probability | None
    real_histogram: Histogram = ()
    synthetic_histogram: Histogram = ()


class Scale(_Frozen):
    """Platt scaling of a score (logistic regression, Platt 1999), and its error on held-out sources.

    `squash`: the regression is on tanh(squash * score), because extreme scores were no more certain; 0: on the score.
    `logits`, `low`, `high`: the 90 % interval of the calibrated probability at each logit, from a bootstrap over
    sources; interpolated in between. `synthetic_above`: for each false-positive rate (as text), the probability that
    only this share of held-out real images of all kinds reaches. `camera_below`: 3 % of held-out synthetic images are
    below it. `kinds`: by name, in the order of the head's outputs.
    """

    weight: float
    bias: float
    squash: Annotated[float, Field(ge=0)] = 0.0
    logits: tuple[float, ...]
    low: tuple[Probability, ...]
    high: tuple[Probability, ...]
    synthetic_above: dict[str, Probability]
    camera_below: Probability
    kinds: dict[str, KindScale]

    def logit(self, score: float) -> float:
        """Calibrated log-odds that the image is synthetic."""
        x = math.tanh(self.squash * score) if self.squash else score
        return self.weight * x + self.bias

    def interval(self, logit: float) -> tuple[float, float]:
        """The 90 % interval of the probability at `logit`."""
        p = probability(logit)
        low, high = (float(np.interp(logit, self.logits, edge)) for edge in (self.low, self.high))
        return min(low, p), max(high, p)


class Calibration(_Frozen):
    """The scales with the encoder's features and without (the network alone)."""

    with_encoder: Scale
    alone: Scale


def probability(logit: float) -> float:
    """The probability (0..1) for log-odds."""
    return float(1 / (1 + np.exp(-np.clip(logit, -30, 30))))


def read(data: bytes) -> Calibration:
    """Parse `calibration.json`. Raises ValueError (pydantic) if it is malformed."""
    return Calibration.model_validate_json(data)


@dataclass(frozen=True, slots=True)
class Histograms:
    """The calibration set's probabilities of images of one kind: how many of each class lie in each of BINS bins."""

    BINS: ClassVar[int] = BINS
    real: Histogram
    synthetic: Histogram


def calibrated_histograms(card: Card) -> dict[str, dict[str, Histograms]]:
    """By the `calibration` of its answers, then by kind, what a detector's card knows of the images that it was
    calibrated on. Raises ModelError as `Card.read`; ValueError if the calibration is malformed."""
    found = read(card.read("calibration.json"))
    return {
        identity(card, with_encoder=scale is found.with_encoder): {
            name: Histograms(kind.real_histogram, kind.synthetic_histogram)
            for name, kind in scale.kinds.items()
            if kind.real_histogram
        }
        for scale in (found.with_encoder, found.alone)
    }


def identity(card: Card, *, with_encoder: bool) -> str:
    """The name of a calibration in answers."""
    return f"{card.identity}/{card.digest[:12]}/{'encoder' if with_encoder else 'alone'}"
