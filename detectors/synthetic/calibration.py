"""From the scores to a probability with an interval, and the thresholds: all measured, none set by hand."""

import math
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

Probability = Annotated[float, Field(ge=0, le=1)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Scale(_Frozen):
    """Logistic regression on a score (Platt 1999), and what held-out sources say about its output.

    `squash`: the regression is on tanh(squash * score), because scores far out were no surer; 0: on the score itself.
    `logits`, `low`, `high`: the 90 % interval of the calibrated probability at each logit, when whole sources are
    drawn again; between them it is interpolated. `synthetic_above`: for a false-positive rate (as text) the
    probability that only this share of held-out real pictures reaches. `camera_below`: only 5 % of held-out
    synthetic pictures lie below.
    """

    weight: float
    bias: float
    squash: Annotated[float, Field(ge=0)] = 0.0
    logits: tuple[float, ...]
    low: tuple[Probability, ...]
    high: tuple[Probability, ...]
    synthetic_above: dict[str, Probability]
    camera_below: Probability

    def logit(self, score: float) -> float:
        """Calibrated log-odds that the picture is synthetic."""
        x = math.tanh(self.squash * score) if self.squash else score
        return self.weight * x + self.bias

    def interval(self, logit: float) -> tuple[float, float]:
        """The 90 % interval around the probability at a logit."""
        p = probability(logit)
        low, high = (float(np.interp(logit, self.logits, edge)) for edge in (self.low, self.high))
        return min(low, p), max(high, p)


class Calibration(_Frozen):
    """Scales for both ways of working: with the encoder's features and without."""

    with_encoder: Scale
    alone: Scale


def probability(logit: float) -> float:
    """Of log-odds, 0..1."""
    return float(1 / (1 + np.exp(-np.clip(logit, -30, 30))))


def read(data: bytes) -> Calibration:
    """Raises ValueError (pydantic) where the file is not one."""
    return Calibration.model_validate_json(data)
