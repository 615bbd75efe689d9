import numpy as np
import pytest

from detectors.prompts.categories import LEARNED
from detectors.prompts.classifier import PROMPT_SCREENING, PromptClassifier
from models import Card, ModelFault, Session, find_card


@pytest.fixture(scope="module")
def card() -> Card:
    return find_card("prompts")


@pytest.fixture(scope="module")
def classifier(card: Card) -> PromptClassifier:
    return PromptClassifier(card)


def test_every_category_has_a_score_and_a_limit_in_order(classifier: PromptClassifier) -> None:
    scores = classifier("a red fox in the snow")
    assert [score.category for score in scores] == list(LEARNED)
    for score in scores:
        assert 0 <= score.score < score.limit <= 1


def test_a_text_has_the_same_scores_each_time(classifier: PromptClassifier) -> None:
    assert classifier("a corpse in blood") == classifier("a corpse in blood")


def test_a_violent_text_scores_higher_for_violence(classifier: PromptClassifier) -> None:
    harmless, violent = (
        {score.category: score.score for score in classifier(text)}
        for text in ("a red fox in the snow", "a mutilated corpse covered in blood")
    )
    assert violent["violence"] > 10 * harmless["violence"]


@pytest.mark.parametrize("off", [0.02, -0.02])
def test_a_score_that_differs_from_training_refuses_the_model(
    card: Card, monkeypatch: pytest.MonkeyPatch, off: float
) -> None:
    run = Session.run
    monkeypatch.setattr(Session, "run", lambda self, batch: np.clip(run(self, batch) + np.float32(off), 0, 1))
    with pytest.raises(ModelFault, match="canary"):
        PromptClassifier(card)


def test_rounding_does_not_refuse_the_model(card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Session.run
    monkeypatch.setattr(Session, "run", lambda self, batch: np.clip(run(self, batch) + np.float32(0.001), 0, 1))
    assert PromptClassifier(card)


@pytest.mark.parametrize("scores", [[0.1] * 6, [0.1] * 8, [-0.1] * 7, [1.1] * 7, [float("nan")] * 7])
def test_an_output_that_is_no_score_is_a_fault(
    classifier: PromptClassifier, monkeypatch: pytest.MonkeyPatch, scores: list[float]
) -> None:
    monkeypatch.setattr(Session, "run", lambda self, batch: np.array([scores], np.float32))
    with pytest.raises(ModelFault, match="one score per category"):
        classifier("a red fox")


def test_its_task_opens_it(card: Card) -> None:
    assert isinstance(PROMPT_SCREENING.open(card), PromptClassifier)
