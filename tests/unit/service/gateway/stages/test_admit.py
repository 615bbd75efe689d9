"""Admit: orders that must not be generated, and prompts that are refused."""

import json
from collections.abc import Callable

import pytest

from detectors.prompts import PromptScreen
from models import ModelMissing
from service.gateway.execution import ReleaseObserver
from service.gateway.order import Order
from service.gateway.pipeline import Gateway
from service.gateway.summary import summarize
from service.generation import Job
from service.installation import Installation
from service.kit.errors import (
    BadRequest,
    Cancelled,
    EmptyPrompt,
    NothingKnown,
    PromptRefused,
    StageFailed,
)
from tests.support.gateway import (
    ORDER,
    Build,
    Untouchable,
    last_body,
    raising,
    refused,
)
from tests.support.hanging import Hang
from tests.support.prompts import Screen, evidence

BAD_EVIDENCE = {
    "raises": raising(RuntimeError("a lake at dawn")),
    "is missing": raising(ModelMissing("no weights")),
    "None": lambda prompt: None,
    "a verdict": lambda prompt: False,
    "NaN": lambda prompt: evidence(hate=float("nan")),
    "above one": lambda prompt: evidence(hate=1.1),
    "negative": lambda prompt: evidence(hate=-0.1),
    "text": lambda prompt: evidence(hate="0.1"),
}


@pytest.mark.parametrize("answer", BAD_EVIDENCE.values(), ids=BAD_EVIDENCE.keys())
def test_a_prompt_screen_that_does_not_answer_refuses(
    build: Build, installation: Installation, answer: Callable[..., object]
) -> None:
    refusal = refused(build(Untouchable(), prompts=Screen(answer)), installation)
    assert type(refusal) is StageFailed
    assert refusal.stage == "admit"
    assert "lake" not in refusal.message


def test_a_slow_prompt_screen_refuses(build: Build, installation: Installation) -> None:
    with Hang() as hang:
        refusal = refused(build(Untouchable(), prompts=Screen(hang), screen_timeout=1), installation)
    assert type(refusal) is StageFailed
    assert refusal.stage == "admit"


def test_a_refused_prompt_draws_nothing_and_is_written_down_without_its_words(
    build: Build, installation: Installation, capfd: pytest.CaptureFixture[str]
) -> None:
    order = Order(prompt="Xanthippe, s3xy ch\u200bild", seed=7)
    refusal = refused(build(Untouchable(), prompts=PromptScreen()), installation, order)
    assert type(refusal) is PromptRefused
    assert (refusal.code, refusal.status, refusal.stage) == ("prompt_refused", 400, "admit")
    assert refusal.message == "the prompt was refused (sexual minors)"
    body = last_body(installation)
    assert body["code"] == "prompt_refused"
    assert body["stage"] == "admit"
    assert body["categories"] == ["sexual_minors"]
    assert body["rules"] == ["sexual-and-minor"]
    assert "child" not in json.dumps(body)
    out = capfd.readouterr()
    assert "xanthippe" not in (out.out + out.err + json.dumps(body)).lower()


def test_a_score_at_its_limit_refuses(build: Build, installation: Installation) -> None:
    refusal = refused(build(Untouchable(), prompts=Screen(lambda prompt: evidence(hate=0.9))), installation)
    assert type(refusal) is PromptRefused
    assert refusal.categories == ("hate",)


def test_lower_scores_are_evidence_in_the_ledger(build: Build, installation: Installation) -> None:
    screen = Screen(lambda prompt: evidence(hate=0.89))
    build(prompts=screen).release(Order(prompt="a lake", negative_prompt="people", seed=7))
    assert screen.seen == [("a lake", "people")]
    scores = {entry["label"]: entry["score"] for entry in last_body(installation)["prompt"]}
    assert scores["hate"] == 0.89
    assert len(scores) == 7


def test_cancelled_before_the_prompt_was_read(build: Build, installation: Installation) -> None:
    screen = Screen()
    with pytest.raises(Cancelled):
        build(Untouchable(), prompts=screen).release(ORDER, ReleaseObserver(cancelled=lambda: True))
    assert screen.seen == []
    assert installation.ledger.verify().decisions == 0  # nobody has decided anything


def test_a_bad_order_is_the_callers_fault_and_no_decision(gateway: Gateway, installation: Installation) -> None:
    with pytest.raises(BadRequest):
        gateway.release(Order(prompt="x", width=100, height=100))
    assert installation.ledger.verify().decisions == 0


@pytest.mark.parametrize("prompt", ["   ", "\u200b", "\u200b\u2060 \ufe0f", "\n\t"])
def test_a_prompt_in_which_nothing_is_seen_is_an_error(build: Build, prompt: str) -> None:
    with pytest.raises(EmptyPrompt) as caught:
        build(Untouchable()).release(Order(prompt=prompt))
    assert (caught.value.code, caught.value.param) == ("empty_prompt", "prompt")


@pytest.mark.parametrize(("prompt", "warned"), [("🦊❄️", True), ("!?", True), ("a fox 🦊", False), ("狐", False)])
def test_a_prompt_without_words_is_warned_of(build: Build, prompt: str, warned: bool) -> None:
    released = build().release(Order(prompt=prompt))
    assert any("has no words" in warning for warning in summarize(released).warnings) == warned


class KnowsNothing(Untouchable):
    def check(self, job: Job) -> tuple[str, ...]:
        raise NothingKnown(["boat"], near=True)


def test_a_model_that_knows_nothing_of_a_prompt_refuses_it(build: Build) -> None:
    with pytest.raises(NothingKnown):
        build(KnowsNothing()).release(ORDER)


def test_what_must_be_refused_is_refused_and_recorded_whatever_the_model_knows(
    build: Build, installation: Installation
) -> None:
    screen = PromptScreen()
    refusal = refused(build(KnowsNothing(), prompts=screen), installation, Order(prompt="ein nacktes Kind"))
    assert isinstance(refusal, PromptRefused)
    assert refusal.categories == ("sexual_minors",)
