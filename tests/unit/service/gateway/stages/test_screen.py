"""Screen: every check must pass, and one that does not answer is a refusal."""

import json
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors import OpenNsfw, fingerprint
from detectors.safety.canary import canary
from service.gateway.order import Order
from service.gateway.pipeline import Gateway
from service.generation import Job, OnStep
from service.installation import Installation
from service.kit.errors import (
    Blocked,
    Error,
    StageFailed,
    Unavailable,
    Unsafe,
)
from service.moderation.hash_lists import Listed
from tests.support.database import engine_of
from tests.support.gateway import (
    BAD_ANSWERS,
    ORDER,
    Build,
    raising,
    refused,
)
from tests.support.hanging import Hang
from tests.support.painter import Checker, Painter, finding


@pytest.mark.parametrize("answer", BAD_ANSWERS.values(), ids=BAD_ANSWERS.keys())
def test_a_checker_that_does_not_answer_refuses(
    build: Build, installation: Installation, answer: Callable[..., object]
) -> None:
    refusal = refused(build(checkers=[Checker(answer)]), installation)
    assert type(refusal) is StageFailed
    assert refusal.stage == "screen"
    assert refusal.status == 503


def test_a_slow_checker_refuses(build: Build, installation: Installation) -> None:
    with Hang() as hang:
        refusal = refused(build(checkers=[Checker(hang)], screen_timeout=2), installation)
    assert type(refusal) is StageFailed
    assert "within 2 s" in refusal.message


def test_one_bad_checker_among_good_ones_refuses(build: Build, installation: Installation) -> None:
    assert refused(build(checkers=[Checker(), Checker(lambda images: []), Checker()]), installation).stage == "screen"


@pytest.mark.parametrize("score", [0.5, 0.9, 1.0])
def test_an_unsafe_picture_is_refused(build: Build, installation: Installation, score: float) -> None:
    refusal = refused(build(checkers=[Checker(), Checker(lambda images: [finding(score)])]), installation)
    assert type(refusal) is Unsafe
    assert refusal.code == "moderation_blocked"
    assert refusal.status == 400


def test_the_real_checker_refuses_and_passes(build: Build, installation: Installation, open_nsfw: OpenNsfw) -> None:
    """The canary is 224 px of abstract skin tones that open_nsfw takes for the real thing."""

    class Canary(Painter):
        default_size = (224, 224)

        def render(self, job: Job, on_step: OnStep) -> NDArray[np.uint8]:
            return canary(876)

    assert type(refused(build(Canary(), [open_nsfw]), installation)) is Unsafe
    assert build(Painter(), [open_nsfw]).release(ORDER).findings[0].score < 0.5


def test_the_checker_sees_the_very_pixels_that_are_marked(build: Build) -> None:
    checker = Checker()
    released = build(checkers=[checker]).release(ORDER)
    assert checker.seen[0] is released.proven.signed.marked.cleared.draft.rgb


def test_every_error_is_ours(build: Build, installation: Installation) -> None:
    for answer in BAD_ANSWERS.values():
        with pytest.raises(Error):
            build(checkers=[Checker(answer)]).release(ORDER)


def test_a_listed_picture_is_refused_on_its_very_pixels(build: Build, installation: Installation) -> None:
    checker = Checker()
    gateway = build(checkers=[checker])
    drawn = gateway.release(ORDER).proven.signed.marked.cleared.draft.rgb
    installation.blocklist.add([Listed("pdq", fingerprint(drawn).bits.hex())], "ncii", "test")
    refusal = refused(gateway, installation)
    assert type(refusal) is Blocked
    assert (refusal.stage, refusal.message) == ("screen", "the image is on the list ncii")
    assert len(checker.seen) == 1  # nobody else looks at it any more
    (decision,) = installation.ledger.decided(str(refusal.content_id))
    assert json.loads(decision.body)["code"] == "blocked"
    assert fingerprint(drawn).bits.hex() not in decision.body
    gateway.release(Order(prompt="another", seed=8))


@pytest.mark.parametrize("hangs", [False, True])
def test_lists_that_cannot_be_asked_refuse(build: Build, installation: Installation, hangs: bool) -> None:
    with Hang() as hang:

        class Lists:
            check_pixels = staticmethod(hang if hangs else raising(Unavailable("the lists are gone")))

        refusal = refused(build(blocklist=Lists(), screen_timeout=2), installation)
    assert type(refusal) is StageFailed
    assert refusal.stage == "screen"


def test_lists_that_lost_their_table_refuse(gateway: Gateway, installation: Installation) -> None:
    with engine_of(installation.ledger).begin() as connection:
        connection.exec_driver_sql("DROP TABLE blocklist_revision")
    assert type(refused(gateway, installation)) is StageFailed


@pytest.mark.parametrize(("wanted", "refuses"), [(None, False), (1.0, False), (0.5, False), (0.4, True), (0.2, True)])
def test_an_order_may_ask_for_less_never_for_more(build: Build, wanted: float | None, refuses: bool) -> None:
    gateway = build(checkers=[Checker(lambda images: [finding(0.45)])])
    order = ORDER.model_copy(update={"safety_threshold": wanted})
    if refuses:
        with pytest.raises(Unsafe):
            gateway.release(order)
    else:
        assert gateway.release(order)


def test_no_order_gets_past_the_operators_threshold(build: Build) -> None:
    gateway = build(checkers=[Checker(lambda images: [finding(0.55)])])
    with pytest.raises(Unsafe):
        gateway.release(ORDER.model_copy(update={"safety_threshold": 1.0}))
