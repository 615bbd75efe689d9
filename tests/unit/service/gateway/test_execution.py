"""A stage is timed, stopped on demand, and turns whatever goes wrong into a refusal."""

import pytest

from models import ModelFault
from service.gateway.execution import UNOBSERVED, ReleaseObserver, Unexpected, expect, stage
from service.kit.errors import Busy, Cancelled, StageFailed, Unavailable, Unsafe
from watermark.errors import WatermarkNotReadable

SECRET = "a lake at dawn"


@pytest.mark.parametrize("fault", [Unsafe("no", stage="screen"), Busy("full", retry_after=1)])
def test_refusals_and_busy_pass_as_they_are(fault: Exception) -> None:
    with pytest.raises(type(fault)) as caught, stage("screen", UNOBSERVED):
        raise fault
    assert caught.value is fault


@pytest.mark.parametrize(
    "fault",
    [
        Unavailable("disk full"),
        ModelFault("no weights"),
        TimeoutError("5 s"),
        Unexpected("wrong"),
        WatermarkNotReadable("?"),
    ],
)
def test_our_own_errors_are_quoted(fault: Exception) -> None:
    with pytest.raises(StageFailed, match=r"stage mark failed") as caught, stage("mark", UNOBSERVED):
        raise fault
    assert str(fault) in caught.value.message
    assert caught.value.stage == "mark"
    assert caught.value.__cause__ is fault


@pytest.mark.parametrize("fault", [ValueError(SECRET), KeyError(SECRET), MemoryError(SECRET)])
def test_other_errors_are_named_and_not_quoted(fault: Exception) -> None:
    with pytest.raises(StageFailed) as caught, stage("render", UNOBSERVED):
        raise fault
    assert SECRET not in caught.value.message
    assert type(fault).__name__ in caught.value.message


def test_a_cancelled_release_does_not_begin_the_next_stage() -> None:
    begun = []
    with pytest.raises(Cancelled) as caught, stage("sign", ReleaseObserver(cancelled=lambda: True)):
        begun.append(True)
    assert (caught.value.stage, begun) == ("sign", [])


@pytest.mark.parametrize("fault", [None, ValueError()])
def test_every_stage_is_timed_also_one_that_fails(fault: Exception | None) -> None:
    seen: list[tuple[str, float]] = []
    observer = ReleaseObserver(on_stage=lambda name, seconds: seen.append((name, seconds)))
    try:
        with stage("prove", observer):
            if fault:
                raise fault
    except StageFailed:
        assert fault
    ((name, seconds),) = seen
    assert name == "prove"
    assert seconds >= 0


def test_expect_says_what_was_wrong() -> None:
    expect(True, "never")
    with pytest.raises(Unexpected, match="the pixels are not 8-bit"):
        expect(False, "the pixels are not 8-bit")
