"""Render: whatever is not the image that was ordered is a refusal."""

from collections.abc import Callable

import numpy as np
import pytest

from service.gateway.execution import ReleaseObserver
from service.gateway.order import Order
from service.gateway.pipeline import Gateway
from service.installation import Installation
from service.kit.errors import (
    Cancelled,
    StageFailed,
)
from tests.support.gateway import ORDER, Build, raising, refused
from tests.support.painter import Misbehaving

BAD_PIXELS = {
    "raises": raising(RuntimeError("cuda")),
    "nothing": lambda job: None,
    "floating point": lambda job: np.zeros((256, 256, 3), np.float32),
    "wrong size": lambda job: np.zeros((128, 256, 3), np.uint8),
    "a batch": lambda job: np.zeros((2, 256, 256, 3), np.uint8),
    "grey": lambda job: np.zeros((256, 256), np.uint8),
    "alpha": lambda job: np.zeros((256, 256, 4), np.uint8),
    "a list": lambda job: [[0]],
}


@pytest.mark.parametrize("answer", BAD_PIXELS.values(), ids=BAD_PIXELS.keys())
def test_a_backend_that_gives_no_picture_is_refused(
    build: Build, installation: Installation, answer: Callable[..., object]
) -> None:
    refusal = refused(build(Misbehaving(answer)), installation)
    assert type(refusal) is StageFailed
    assert refusal.stage == "render"


def test_cancelling_stops_between_steps(build: Build, installation: Installation) -> None:
    steps: list[int] = []
    observer = ReleaseObserver(on_step=lambda done, total: steps.append(done), cancelled=lambda: len(steps) == 2)
    with pytest.raises(Cancelled):
        build().release(ORDER, observer)
    assert steps == [1, 2]


def test_the_same_seed_gives_the_same_picture_and_another_identity(gateway: Gateway) -> None:
    one, two = gateway.release(ORDER), gateway.release(ORDER)
    drafts = [r.proven.signed.marked.cleared.draft.rgb for r in (one, two)]
    assert np.array_equal(drafts[0], drafts[1])
    assert one.admitted.mark_id != two.admitted.mark_id
    assert one.admitted.content_id != two.admitted.content_id


def test_without_a_seed_one_is_drawn_and_told(gateway: Gateway) -> None:
    seeds = {gateway.release(Order(prompt="x")).admitted.job.seed for _ in range(3)}
    assert len(seeds) == 3
