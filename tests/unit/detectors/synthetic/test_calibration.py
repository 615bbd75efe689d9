import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from detectors.synthetic.calibration import KindScale, Scale, probability, read

SCALE = Scale(
    weight=2.0,
    bias=-1.0,
    logits=(-2.0, 0.0, 2.0),
    low=(0.05, 0.4, 0.8),
    high=(0.2, 0.6, 0.95),
    synthetic_above={"0.05": 0.9},
    camera_below=0.1,
    kinds={
        "night": KindScale(
            real=40,
            synthetic=30,
            synthetic_above={"0.05": 0.95},
            false_positives={"0.05": 0.02},
            recall={"0.05": 0.3},
            camera_below=None,
        )
    },
)


def at(score: float) -> tuple[float, tuple[float, float]]:
    logit = SCALE.logit(score)
    return probability(logit), SCALE.interval(logit)


def test_the_probability_is_logistic_in_the_score() -> None:
    p, (low, high) = at(1.0)
    assert p == pytest.approx(1 / (1 + math.exp(-1.0)))
    assert [low, high] == pytest.approx([0.6, 0.775])


@given(st.floats(-1e6, 1e6))
def test_the_interval_holds_the_probability(score: float) -> None:
    p, (low, high) = at(score)
    assert 0 <= low <= p <= high <= 1


def test_a_file_with_a_probability_above_one_is_none() -> None:
    broken = SCALE.model_dump() | {"camera_below": 1.5}
    with pytest.raises(ValidationError):
        Scale.model_validate(broken)
    broken["kinds"]["night"]["recall"] = {"0.05": 2}
    with pytest.raises(ValidationError):
        Scale.model_validate(broken | {"camera_below": 0.1})
    with pytest.raises(ValidationError):
        read(b'{"alone": {}}')


def test_a_squashed_score_comes_to_rest() -> None:
    squashed = SCALE.model_copy(update={"squash": 1.5})
    assert squashed.logit(0.0) == SCALE.logit(0.0)
    assert squashed.logit(0.4) == pytest.approx(2 * math.tanh(0.6) - 1)
    assert squashed.logit(50.0) == pytest.approx(squashed.logit(1e6)) == pytest.approx(1.0)
