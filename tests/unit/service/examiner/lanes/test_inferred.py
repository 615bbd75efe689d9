from types import SimpleNamespace

import pytest

from service.examiner.inference import DetectorFinding, Inferred, KindRates
from service.examiner.lanes.inferred import InferredLane, finding
from service.examiner.policy import Signal
from service.examiner.sections import Reason
from service.kit.errors import BadRequest, Misconfigured, Unavailable
from tests.support.evidence import shown

SCORED = Inferred(
    state="available",
    verdict="likely_synthetic",
    p_synthetic=0.9,
    interval=(0.8, 0.95),
    threshold_fpr=0.05,
    synthetic_above=0.78,
    findings=[DetectorFinding(detector="texture", score=0.9, model="synthetic@1", digest="d")],
    warnings=[Reason(code="small", text="The image is small.")],
    reasons=[Reason(code="classifiers_synthetic", text="High.")],
)


@pytest.mark.parametrize(
    ("verdict", "signals"),
    [
        ("likely_synthetic", {Signal.SCORED_SYNTHETIC}),
        ("likely_camera", {Signal.SCORED_CAMERA}),
        ("inconclusive", set()),
        (None, set()),
    ],
)
def test_what_a_verdict_shows(verdict: str | None, signals: set[Signal]) -> None:
    found = finding(SCORED.model_copy(update={"verdict": verdict}))
    assert shown(found) == (signals, [], [])


def examined(classify: bool = True) -> SimpleNamespace:
    return SimpleNamespace(classify=classify, picture="an image")


def test_classifiers_run_only_if_the_caller_wants_them() -> None:
    seen: list[object] = []

    def infer(picture: object) -> Inferred:
        seen.append(picture)
        return SCORED

    lane = InferredLane(infer)
    assert lane.find(examined(classify=False)).section == Inferred(state="not_asked")  # type: ignore[arg-type]
    assert seen == []
    assert lane.find(examined()).section is SCORED  # type: ignore[arg-type]
    assert seen == ["an image"]


@pytest.mark.parametrize("error", [Unavailable("the weights are gone"), Misconfigured("a vote is missing")])
def test_classifiers_that_cannot_be_used_say_why(error: Exception) -> None:
    def infer(_picture: object) -> Inferred:
        raise error

    found = InferredLane(infer).find(examined())  # type: ignore[arg-type]
    assert found.section.state == "not_available"
    assert [(reason.code, reason.text) for reason in found.section.reasons] == [
        ("classifiers_unavailable", error.message)  # type: ignore[attr-defined]
    ]
    assert found.signals == set()


def test_other_errors_are_not_hidden() -> None:
    def infer(_picture: object) -> Inferred:
        raise BadRequest("no such rate")

    with pytest.raises(BadRequest):
        InferredLane(infer).find(examined())  # type: ignore[arg-type]


def test_lines() -> None:
    assert list(InferredLane.lines(SCORED)) == [
        "likely_synthetic: p(synthetic) 0.90, 90 % interval 0.80 to 0.95",
        "5% of real images score above 0.78",
        "texture: 0.90 by synthetic@1",
        "The image is small.",
        "High.",
    ]
    assert list(InferredLane.lines(Inferred(state="not_asked"))) == ["not asked"]


def test_lines_say_what_was_measured_for_the_kind() -> None:
    rates = KindRates(real=157, synthetic=411, false_positives=0.042, recall=0.5)
    _, second, *_ = InferredLane.lines(SCORED.model_copy(update={"kind": "portrait", "kind_rates": rates}))
    assert second == (
        "Taken for portraits, 4.2% of 157 real images and 50% of 411 synthetic ones were called synthetic at this "
        "setting"
    )
    _, third, *_ = InferredLane.lines(SCORED.model_copy(update={"synthetic_above": None}))
    assert third == "texture: 0.90 by synthetic@1"
