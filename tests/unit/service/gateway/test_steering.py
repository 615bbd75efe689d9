"""Steering: an unsafe image is generated again before it is refused."""

import json

import numpy as np
import pytest
from numpy.typing import NDArray

from service.gateway.pipeline import Gateway
from service.gateway.summary import summarize
from service.generation import Job, OnStep
from service.installation import Installation
from service.kit.errors import (
    StageFailed,
    Unsafe,
)
from tests.support.gateway import (
    ORDER,
    Build,
    Steerable,
    refused,
)
from tests.support.painter import Checker, finding, landscape


def steering(build: Build, safe_from: int, retries: int) -> tuple[Gateway, Steerable]:
    backend = Steerable(safe_from)
    assert ORDER.seed is not None
    unsafe = landscape(ORDER.seed, 256, 256)
    checker = Checker(lambda images: [finding(0.9 if np.array_equal(image, unsafe) else 0.1) for image in images])
    return build(backend, [checker], steering_retries=retries), backend


def test_an_unsafe_picture_is_drawn_again_steered(build: Build, installation: Installation) -> None:
    gateway, backend = steering(build, safe_from=2, retries=2)
    released = gateway.release(ORDER)
    assert backend.asked == [0, 1, 2]
    assert released.steering == 2
    (decision,) = installation.ledger.decided(released.admitted.content_id)
    assert json.loads(decision.body)["steering"] == 2
    assert "steered away" in summarize(released).warnings[-1]


def test_steering_ends_in_a_refusal(build: Build, installation: Installation) -> None:
    gateway, backend = steering(build, safe_from=3, retries=2)
    assert type(refused(gateway, installation)) is Unsafe
    assert backend.asked == [0, 1, 2]


def test_without_retries_the_first_picture_decides(build: Build, installation: Installation) -> None:
    gateway, backend = steering(build, safe_from=1, retries=0)
    assert type(refused(gateway, installation)) is Unsafe
    assert backend.asked == [0]


def test_a_model_that_cannot_be_steered_is_not_asked_twice(build: Build, installation: Installation) -> None:
    gateway, backend = steering(build, safe_from=1, retries=3)
    backend.most_steering = 0
    assert type(refused(gateway, installation)) is Unsafe
    assert backend.asked == [0]


def test_a_broken_checker_is_not_asked_twice(build: Build, installation: Installation) -> None:
    backend = Steerable(1)
    assert type(refused(build(backend, [Checker(lambda images: [])], steering_retries=3), installation)) is StageFailed
    assert backend.asked == [0]


def test_an_unsafe_picture_that_cannot_be_drawn_again_is_unsafe_and_no_outage(
    build: Build, installation: Installation
) -> None:
    class Breaks(Steerable):
        def render(self, job: Job, on_step: OnStep) -> NDArray[np.uint8]:
            if job.steering:
                raise RuntimeError("out of memory")
            return super().render(job, on_step)

    unsafe = Checker(lambda images: [finding(0.9)])
    assert type(refused(build(Breaks(1), [unsafe], steering_retries=2), installation)) is Unsafe


def test_without_guidance_nothing_is_drawn_again(build: Build, installation: Installation) -> None:
    gateway, backend = steering(build, safe_from=1, retries=2)
    with pytest.raises(Unsafe):
        gateway.release(ORDER.model_copy(update={"guidance": 1.0}))
    assert backend.asked == [0]
