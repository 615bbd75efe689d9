import itertools
from typing import get_args

import pytest

from detectors import Declaration, Fingerprint
from service.examiner.policy import (
    CONTRADICTIONS,
    EXIT_CODES,
    OUTCOMES,
    VERDICTS,
    Outcome,
    Signal,
    Verdict,
    judge,
    same_image,
)
from service.examiner.report import CONFLICTS, REASONS
from service.gateway.policy import unsafe
from tests.support.credentials import read
from tests.support.evidence import Evidence
from tests.support.painter import finding
from watermark import Codec
from watermark.c2pa.credentials import Action, Ingredient, SoftBinding, State
from watermark.c2pa.manifest import DIGITAL_SOURCE_TYPE, soft_binding_value

ABSENT = read("absent")
AI = (Action("c2pa.created", DIGITAL_SOURCE_TYPE + "trainedAlgorithmicMedia"),)
CAMERA = (Action("c2pa.created", DIGITAL_SOURCE_TYPE + "digitalCapture"),)
SYNTHETIC = Verdict.LIKELY_SYNTHETIC
DECLARED_AI = Declaration("png_text", "synthetic", "parameters")
DECLARED_CAMERA = Declaration("exif", "camera", "Canon")


@pytest.mark.parametrize(
    ("evidence", "verdict", "answer"),
    [
        (Evidence(ABSENT), Verdict.INCONCLUSIVE, Outcome.NOTHING),
        (Evidence(read("remote_only")), Verdict.INCONCLUSIVE, Outcome.NOTHING),
        (Evidence(read("invalid")), Verdict.TAMPERED, Outcome.INVALID),
        (Evidence(read("invalid", actions=AI), mark_id=1), Verdict.TAMPERED, Outcome.INVALID),
        (Evidence(read("trusted", actions=AI)), Verdict.DECLARED_SYNTHETIC, Outcome.VERIFIED),
        (Evidence(read("trusted", actions=CAMERA)), Verdict.DECLARED_CAMERA, Outcome.VERIFIED),
        (Evidence(read("valid_untrusted", actions=AI)), Verdict.DECLARED_SYNTHETIC, Outcome.UNTRUSTED),
        (Evidence(read("valid_untrusted")), Verdict.INCONCLUSIVE, Outcome.UNTRUSTED),
        (Evidence(ABSENT, mark_id=1, record_known=True, same_image=True), Verdict.ISSUED_HERE, Outcome.VERIFIED),
        (Evidence(ABSENT, mark_id=1, record_known=True, same_image=False), Verdict.MARKED_SYNTHETIC, Outcome.UNTRUSTED),
        (Evidence(ABSENT, mark_id=1, record_known=True), Verdict.MARKED_SYNTHETIC, Outcome.UNTRUSTED),
        (Evidence(ABSENT, mark_id=1), Verdict.MARKED_SYNTHETIC, Outcome.UNTRUSTED),
        (Evidence(ABSENT, foreign_synthetic=True), Verdict.MARKED_SYNTHETIC, Outcome.NOTHING),
        (Evidence(ABSENT, (DECLARED_AI,)), Verdict.DECLARED_SYNTHETIC, Outcome.NOTHING),
        (Evidence(ABSENT, (DECLARED_CAMERA,)), Verdict.DECLARED_CAMERA, Outcome.NOTHING),
        (Evidence(ABSENT, (DECLARED_AI, DECLARED_CAMERA)), Verdict.DECLARED_SYNTHETIC, Outcome.NOTHING),
        (Evidence(ABSENT, matched=True), Verdict.LIKELY_SYNTHETIC, Outcome.NOTHING),
        (Evidence(ABSENT, inferred=SYNTHETIC), Verdict.LIKELY_SYNTHETIC, Outcome.NOTHING),
        (Evidence(ABSENT, inferred=Verdict.LIKELY_CAMERA), Verdict.LIKELY_CAMERA, Outcome.NOTHING),
        (Evidence(ABSENT, inferred=Verdict.INCONCLUSIVE), Verdict.INCONCLUSIVE, Outcome.NOTHING),
        (Evidence(ABSENT, (DECLARED_AI,), inferred=Verdict.LIKELY_CAMERA), Verdict.DECLARED_SYNTHETIC, Outcome.NOTHING),
        (Evidence(ABSENT, (DECLARED_CAMERA,), inferred=SYNTHETIC), Verdict.DECLARED_CAMERA, Outcome.NOTHING),
        (
            Evidence(read("trusted", actions=CAMERA), inferred=SYNTHETIC),
            Verdict.DECLARED_CAMERA,
            Outcome.VERIFIED,
        ),
        (
            Evidence(read("valid_untrusted", actions=CAMERA), inferred=SYNTHETIC),
            Verdict.DECLARED_CAMERA,
            Outcome.UNTRUSTED,
        ),
        (Evidence(read("trusted"), manifest_known=True), Verdict.TAMPERED, Outcome.INVALID),
        (Evidence(read("valid_untrusted"), manifest_known=True), Verdict.INCONCLUSIVE, Outcome.UNTRUSTED),
        (
            Evidence(read("valid_untrusted", actions=CAMERA), (), 1, True, True),
            Verdict.ISSUED_HERE,
            Outcome.UNTRUSTED,
        ),
        (
            Evidence(read("trusted"), manifest_known=True, file_known=True),
            Verdict.ISSUED_HERE,
            Outcome.VERIFIED,
        ),
    ],
)
def test_the_ladder(evidence: Evidence, verdict: Verdict, answer: Outcome) -> None:
    report = evidence.report()
    assert report.verdict is verdict
    assert report.outcome is answer


@pytest.mark.parametrize(
    ("evidence", "conflict"),
    [
        (Evidence(ABSENT, mark_id=1, record_known=True, same_image=False), "mark_on_other_image"),
        (
            Evidence(read("trusted", soft_bindings=(SoftBinding(Codec.ALGORITHM, soft_binding_value(2)),)), mark_id=1),
            "mark_is_not_the_credentials",
        ),
        (Evidence(ABSENT, (DECLARED_CAMERA,), mark_id=1), "camera_claimed_on_marked_image"),
        (Evidence(ABSENT, (DECLARED_CAMERA, DECLARED_AI)), "camera_and_synthetic_claimed"),
        (Evidence(ABSENT, (DECLARED_CAMERA,), inferred=SYNTHETIC), "camera_claimed_on_likely_synthetic"),
        (
            Evidence(read("valid_untrusted", actions=CAMERA), inferred=SYNTHETIC),
            "camera_claimed_on_likely_synthetic",
        ),
        (
            Evidence(read("trusted", ingredients=(Ingredient(None, None, ("claimSignature.mismatch",)),))),
            "ingredient_invalid",
        ),
    ],
)
def test_conflicts(evidence: Evidence, conflict: str) -> None:
    assert evidence.report().conflicts == [conflict]


def test_another_algorithms_binding_is_no_conflict() -> None:
    foreign = read("trusted", soft_bindings=(SoftBinding("com.adobe.trustmark.P", soft_binding_value(2)),))
    assert Evidence(foreign, mark_id=1).report().conflicts == []


def test_agreement_is_no_conflict() -> None:
    bound = read("trusted", actions=AI, soft_bindings=(SoftBinding(Codec.ALGORITHM, soft_binding_value(1)),))
    evidence = Evidence(bound, (DECLARED_AI,), 1, True, True, True, True, True)
    assert evidence.report().conflicts == []


def test_every_combination_is_judged_and_every_code_is_explained() -> None:
    """Nothing raises, and nothing but an unbroken credential or the issued picture is ever verified."""
    flags = (True, False)
    states: tuple[State, ...] = get_args(State)
    for state, mark, known, same, file, manifest, matched in itertools.product(
        states, (None, 1), flags, (True, False, None), flags, flags, flags
    ):
        evidence = Evidence(read(state), (), mark, known, same, file, manifest, matched)
        judgement = evidence.report()
        assert {reason.code for reason in judgement.reasons} <= set(REASONS)
        assert set(judgement.conflicts) <= set(CONFLICTS)
        if judgement.outcome is Outcome.VERIFIED:
            assert state == "trusted" or file or same
            assert judgement.verdict is not Verdict.TAMPERED
        if file:
            assert judgement.verdict is Verdict.ISSUED_HERE
        if judgement.verdict is Verdict.TAMPERED:
            assert judgement.outcome is Outcome.INVALID


def test_without_signals_nothing_is_concluded() -> None:
    judgement = judge(())
    assert (judgement.verdict, judgement.outcome) == (Verdict.INCONCLUSIVE, Outcome.NOTHING)
    assert judgement.conflicts == ()


def test_the_strongest_signal_decides() -> None:
    for ladder, answer in ((VERDICTS, "verdict"), (OUTCOMES, "outcome")):
        ranked = list(ladder)
        for rank, signal in enumerate(ranked):
            assert getattr(judge(ranked[rank:]), answer) is ladder[signal]
            assert getattr(judge([signal]), answer) is ladder[signal]


def test_every_signal_counts_for_something() -> None:
    assert set(VERDICTS) | set(OUTCOMES) == set(Signal)


def test_contradictions_need_both_sides() -> None:
    for conflict, pair in CONTRADICTIONS.items():
        assert judge(pair).conflicts == (conflict,)
        assert all(judge({signal}).conflicts == () for signal in pair)


def test_every_outcome_has_its_exit_code() -> None:
    assert EXIT_CODES == {
        Outcome.VERIFIED: 0, Outcome.NOTHING: 1, Outcome.INVALID: 3, Outcome.UNTRUSTED: 4, Outcome.EXPIRED: 8,
        Outcome.UNREADABLE: 9,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("differing", "quality", "issued_quality", "answer"),
    [(0, 100, 100, True), (31, 100, 100, True), (32, 100, 100, False), (0, 5, 100, None), (200, 100, 5, None)],
)
def test_same_image(differing: int, quality: int, issued_quality: int, answer: bool | None) -> None:
    issued = bytes(32)
    query = ((1 << differing) - 1).to_bytes(32, "big")
    assert same_image(Fingerprint(query, quality), issued, issued_quality) is answer


def test_any_one_checker_refuses() -> None:
    assert unsafe([finding(0.1), finding(0.6), finding(0.2)], 0.5) == (finding(0.6),)
    assert unsafe([finding(0.1)], 0.5) == ()
    assert unsafe([finding(0.5)], 0.5) == (finding(0.5),)
