import datetime as dt
import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sqlalchemy import func, select

from service.installation import Installation
from service.kit.errors import NotLive, Unavailable
from service.likeness.liveness import FRONT, PHOTOS, POSES, TURNED, Challenge, Pose, PoseSequence, Shot, pose, shot
from service.media.pictures import ImageLimits, decode, encode
from service.storage.tables import challenges
from tests.support.clock import Clock
from tests.support.database import engine_of
from tests.support.people import TURNS, Posing, posed

LIMITS = ImageLimits(1 << 22, 1 << 22)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def liveness(installation: Installation, clock: Clock) -> PoseSequence:
    return PoseSequence(installation.ledger, clock)


def taken(rgb: NDArray[np.uint8], to: str = "png") -> Shot:
    picture = decode(encode(rgb, to)[0], LIMITS)  # type: ignore[arg-type]
    (face,) = Posing()(rgb)
    return shot(picture, face)


def asked(*poses: Pose) -> Challenge:
    return Challenge(id="L-1", poses=poses, expires_at="2026")


def answering(challenge: Challenge) -> list[Shot]:
    return [taken(posed(TURNS[wanted], seed)) for seed, wanted in enumerate(challenge.poses)]


# The pose.


@given(st.floats(-1, 1))
def test_left_is_right_in_the_mirror(turn: float) -> None:
    opposite = {"front": "front", "left": "right", "right": "left", None: None}
    assert pose(-turn) == opposite[pose(turn)]


@pytest.mark.parametrize(
    ("turn", "seen"),
    [(0, "front"), (FRONT, "front"), (FRONT + 0.001, None), (TURNED - 0.001, None), (TURNED, "right"),
     (-TURNED, "left"), (-0.19, "left"), (math.nan, None)],
)  # fmt: skip
def test_between_straight_and_turned_there_is_neither(turn: float, seen: Pose | None) -> None:
    assert pose(turn) == seen


# The challenge.


def test_a_challenge_asks_for_a_turn_each_time(liveness: PoseSequence) -> None:
    seen = {liveness.challenge().poses for _ in range(60)}
    assert len(seen) > 5  # all alike would be one chance in 24 ** 55
    for poses in seen:
        assert len(poses) == PHOTOS
        assert set(poses) <= set(POSES)
        assert all(one != other for one, other in itertools.pairwise(poses))


def test_a_challenge_serves_once(liveness: PoseSequence, installation: Installation) -> None:
    challenge = liveness.challenge()
    assert PoseSequence(installation.ledger, liveness._clock).take(challenge.id) == challenge  # another process
    with pytest.raises(NotLive, match="answered before"):
        liveness.take(challenge.id)


def test_what_was_never_asked_is_not_answered(liveness: PoseSequence) -> None:
    with pytest.raises(NotLive, match="no such challenge"):
        liveness.take("L-NONE")


def test_a_challenge_expires(liveness: PoseSequence, clock: Clock) -> None:
    early, late = liveness.challenge(), liveness.challenge()
    clock.now += dt.timedelta(minutes=4, seconds=59)
    assert liveness.take(early.id)
    clock.now += dt.timedelta(seconds=1)
    for why in ("expired", "no such challenge"):  # a late answer ends it, too
        with pytest.raises(NotLive, match=why):
            liveness.take(late.id)


def test_expired_challenges_are_forgotten(liveness: PoseSequence, clock: Clock, installation: Installation) -> None:
    for _ in range(3):
        liveness.challenge()
    clock.now += dt.timedelta(minutes=5)
    liveness.challenge()
    with engine_of(installation.ledger).connect() as connection:
        assert connection.execute(select(func.count()).select_from(challenges)).scalar_one() == 1


def test_without_its_table_nobody_is_asked_and_nobody_answers(
    liveness: PoseSequence, installation: Installation
) -> None:
    challenge = liveness.challenge()
    with engine_of(installation.ledger).begin() as connection:
        challenges.drop(connection)
    with pytest.raises(Unavailable):
        liveness.challenge()
    with pytest.raises(Unavailable):
        liveness.take(challenge.id)


# The answer.


def test_photos_in_the_order_asked_pass(liveness: PoseSequence) -> None:
    challenge = liveness.challenge()
    liveness.check(challenge, answering(challenge))


ASKED = asked("left", "front", "right", "front")


def refused(liveness: PoseSequence, shots: Sequence[Shot]) -> str:
    with pytest.raises(NotLive) as said:
        liveness.check(ASKED, shots)
    return said.value.message


@pytest.mark.parametrize("order", [(1, 0, 2, 3), (2, 1, 0, 3), (0, 2, 1, 3), (3, 2, 1, 0)])
def test_photos_in_another_order_do_not(liveness: PoseSequence, order: tuple[int, ...]) -> None:
    shots = answering(ASKED)
    told = refused(liveness, [shots[number] for number in order])
    assert "should look" in told
    assert "again" not in told


@pytest.mark.parametrize("turn", [0.08, math.nan])
def test_a_head_that_is_neither_straight_nor_turned_does_not(liveness: PoseSequence, turn: float) -> None:
    first, *others = answering(ASKED)
    unclear = replace(first, face=replace(first.face, turn=turn))
    assert "photo 1 should look left, but looks neither" in refused(liveness, [unclear, *others])


@pytest.mark.parametrize("count", [0, 3, 5])
def test_another_number_of_photos_does_not(liveness: PoseSequence, count: int) -> None:
    shots = answering(ASKED) * 2
    assert f"{count} photos were sent" in refused(liveness, shots[:count])


def test_the_same_photo_twice_does_not(liveness: PoseSequence) -> None:
    left, front, right, _ = answering(ASKED)
    assert refused(liveness, [left, front, right, front]) == "photo 4 is photo 2 again"


def test_the_same_pixels_in_another_file_do_not(liveness: PoseSequence) -> None:
    left, front, right, _ = answering(ASKED)
    picture = decode(encode(posed(0.0, 1), "png")[0] + b"more", LIMITS)
    again = shot(picture, front.face)
    assert again.data != front.data
    assert "photo 4 is photo 2 again" in refused(liveness, [left, front, right, again])


def as_if(one: Shot, rgb: NDArray[np.uint8], to: str = "png") -> Shot:
    """Another picture with the same face on it."""
    return shot(decode(encode(rgb, to)[0], LIMITS), one.face)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda rgb: rgb,
        lambda rgb: cv2.resize(rgb, (180, 180), interpolation=cv2.INTER_AREA),
        lambda rgb: np.asarray(rgb * 0.8, np.uint8),
        lambda rgb: rgb[13:-13, 13:-13].copy(),
    ],
    ids=["as it is", "smaller", "darker", "its middle"],
)
@pytest.mark.parametrize("to", ["png", "jpeg"])
def test_mirrored_copies_do_not(
    liveness: PoseSequence, spoil: Callable[[NDArray[np.uint8]], NDArray[np.uint8]], to: str
) -> None:
    left, front, right, last = answering(ASKED)
    forged = as_if(right, spoil(posed(TURNS["right"], 0, mirrored=True)), to)
    assert refused(liveness, [left, front, forged, last]) == "photo 3 is photo 1 mirrored"
    with pytest.raises(NotLive, match="photo 3 is photo 1 mirrored"):  # whichever of the two comes first
        liveness.check(asked("right", "front", "left", "front"), [forged, front, left, last])


def test_a_mirrored_copy_of_a_straight_look_does_not(liveness: PoseSequence) -> None:
    straight = taken(posed(0.0, 1, mirrored=True))
    shots = answering(ASKED)
    assert refused(liveness, [*shots[:3], straight]) == "photo 4 is photo 2 mirrored"


def test_photos_without_features_do_not(liveness: PoseSequence) -> None:
    left, front, right, last = answering(ASKED)
    grey = as_if(right, np.full((64, 64, 3), 128, np.uint8))
    assert "photo 3 is too plain" in refused(liveness, [left, front, grey, last])
