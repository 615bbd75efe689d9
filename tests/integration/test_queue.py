"""The queue, the enlarger and the meter as callers meet them: through the gateway, the API and the command line."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from numpy.typing import NDArray

from service.api import create_app
from service.api.dependencies import services_of
from service.gateway.execution import ReleaseObserver
from service.gateway.order import Order
from service.gateway.pipeline import Gateway
from service.gateway.summary import summarize
from service.generation import Energy, Job, OnStep, Progress
from service.generation import progress as progress_module
from service.generation.energy import Meter
from service.generation.queue import Queue, open_queue
from service.installation import Installation
from service.kit.errors import BadRequest, Busy, Cancelled, Unavailable, Unsafe
from tests.support.gateway import Build
from tests.support.painter import Checker, Misbehaving, Painter, finding
from tests.support.prompts import Screen
from tests.support.waiting import Ticks, until
from watermark.c2pa.manifest import ENERGY_LABEL

URL = "/v1/images/generations"
JOB = Job("a lake", "", 1, 256, 256, 2, 1.0)


class Gated(Painter):
    """Draws when the gate is open."""

    most_steering = 2
    default_guidance = 5.0

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.begun = threading.Event()

    def render(self, job: Job, on_step: OnStep) -> NDArray[np.uint8]:
        self.begun.set()
        assert self.gate.wait(10)
        return super().render(job, on_step)


@pytest.fixture
def backend() -> Iterator[Gated]:
    gated = Gated()
    yield gated
    gated.gate.set()


def queue(backend: Painter, length: int = 1, max_wait: float = 60.0) -> Queue:
    return Queue(backend, length=length, max_wait=max_wait, meter=Meter(watts=3600))


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as threads:
        yield threads


def filled(pool: ThreadPoolExecutor, backend: Gated, length: int = 1) -> Queue:
    """A queue with one picture that is being drawn and `length` that wait."""
    full = queue(backend, length)
    pool.submit(full.render, JOB, Progress())
    assert backend.begun.wait(10)
    for _ in range(length):
        pool.submit(full.render, JOB, Progress())
    until(lambda: len(full._waiting) == length)
    return full


def client(installation: Installation, gateway: Gateway) -> TestClient:
    installation._gateway = gateway
    return TestClient(create_app(installation), raise_server_exceptions=False)


# Full.


def test_a_full_queue_is_a_429_that_says_when_to_come_again(
    pool: ThreadPoolExecutor, backend: Gated, build: Build, installation: Installation
) -> None:
    full = filled(pool, backend)
    full._recent.append(21.0)
    answer = client(installation, build(full)).post(URL, json={"prompt": "a lake", "n": 2})
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "42"
    body = answer.json()
    assert (body["code"], body["error"]["type"], body["error"]["code"]) == ("busy", "rate_limit_error", "busy")
    assert "appeal" not in body
    assert installation.ledger.verify().decisions == 0
    backend.gate.set()
    until(lambda: not full._waiting)
    assert client(installation, build(full)).post(URL, json={"prompt": "a lake"}).status_code == 200


def test_who_finds_it_full_is_told_before_anything_is_done(
    pool: ThreadPoolExecutor, backend: Gated, build: Build, installation: Installation
) -> None:
    screen = Screen()
    gateway = build(filled(pool, backend), prompts=screen)
    with pytest.raises(Busy):
        gateway.release(Order(prompt="a lake", image=b"no picture at all"))
    assert screen.seen == []


def test_no_more_orders_are_on_their_way_than_there_are_threads(
    backend: Gated, build: Build, installation: Installation
) -> None:
    installation._gateway = build(queue(backend, 4))
    app = create_app(installation)
    capacity = services_of(app).order_capacity
    with TestClient(app) as asking, ThreadPoolExecutor(3) as pool:
        capacity.capacity = 3
        first = pool.submit(asking.post, URL, json={"prompt": "a lake", "n": 2})
        until(backend.begun.is_set)
        refused = asking.post(URL, json={"prompt": "a lake", "n": 2})
        assert (refused.status_code, refused.json()["code"]) == (429, "busy")
        assert refused.headers["retry-after"] == "10"
        second = pool.submit(asking.post, URL, json={"prompt": "a lake"})
        until(lambda: capacity.available == 0)
        assert asking.get("/v1/images/held/urn:uuid:1").status_code == 429
        backend.gate.set()
        assert [one.result(20).status_code for one in (first, second)] == [200, 200]
        assert capacity.available == 3
        assert asking.get("/v1/images/held/urn:uuid:1").status_code == 404


def test_what_waits_too_long_is_busy_and_no_decision(
    pool: ThreadPoolExecutor, backend: Gated, build: Build, installation: Installation
) -> None:
    impatient = queue(backend, 4, max_wait=0.01)
    pool.submit(impatient.render, JOB, Progress())
    assert backend.begun.wait(10)
    with pytest.raises(Busy, match="longer"):
        build(impatient).release(Order(prompt="a lake"))
    assert installation.ledger.verify().decisions == 0


def test_one_request_for_several_pictures_does_not_fill_the_queue_by_itself(
    build: Build, installation: Installation
) -> None:
    body = client(installation, build(queue(Painter()))).post(URL, json={"prompt": "a lake", "n": 4, "seed": 5}).json()
    assert [one["seed"] for one in body["countermark"]["images"]] == [5, 6, 7, 8]
    assert body["countermark"]["refusals"] == []


def test_pictures_of_a_request_that_found_no_place_are_named(build: Build, installation: Installation) -> None:
    def answer(job: Job) -> object:
        if job.seed == 6:
            raise Busy("32 pictures wait already", retry_after=3)
        return Painter().render(job, lambda done, total: None)

    body = client(installation, build(Misbehaving(answer))).post(URL, json={"prompt": "x", "n": 2, "seed": 5}).json()
    assert [one["seed"] for one in body["countermark"]["images"]] == [5]
    (refused,) = body["countermark"]["refusals"]
    assert (refused["index"], refused["code"]) == (1, "busy")


@pytest.mark.parametrize(
    ("fault", "code"), [(Unavailable("the disk is full"), "unavailable"), (ValueError(), "internal")]
)
def test_what_goes_wrong_with_one_picture_does_not_lose_the_others(
    build: Build, installation: Installation, monkeypatch: pytest.MonkeyPatch, fault: Exception, code: str
) -> None:
    gateway = build()
    release = Gateway.release

    def one_fails(gateway: Gateway, order: Order, *more: object) -> object:
        if order.seed in failing:
            raise fault
        return release(gateway, order, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(Gateway, "release", one_fails)
    failing = {6}
    body = client(installation, gateway).post(URL, json={"prompt": "x", "n": 2, "seed": 5}).json()
    assert [one["seed"] for one in body["countermark"]["images"]] == [5]
    (refused,) = body["countermark"]["refusals"]
    assert (refused["index"], refused["code"]) == (1, code)
    failing = {5, 6}
    alone = client(installation, gateway).post(URL, json={"prompt": "x", "n": 2, "seed": 5})
    assert alone.json()["code"] == code


# Waiting.


def test_waiting_does_not_count_as_rendering(
    pool: ThreadPoolExecutor, backend: Gated, build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Ticks()
    monkeypatch.setattr(progress_module, "time", clock)
    busy = queue(backend, 4)
    pool.submit(busy.render, JOB, Progress())
    assert backend.begun.wait(10)
    gateway = build(busy, render_timeout=30)
    ahead: list[int] = []
    asked = pool.submit(gateway.release, Order(prompt="a lake"), ReleaseObserver(on_wait=ahead.append))
    until(lambda: ahead)
    clock.now += 3600
    backend.gate.set()
    assert asked.result(20).data
    assert set(ahead) <= {0, 1}


def test_who_hangs_up_leaves_the_queue(
    pool: ThreadPoolExecutor, backend: Gated, build: Build, installation: Installation
) -> None:
    busy = queue(backend, 4)
    pool.submit(busy.render, JOB, Progress())
    assert backend.begun.wait(10)
    gone = threading.Event()
    asked = pool.submit(build(busy).release, Order(prompt="a lake"), ReleaseObserver(cancelled=gone.is_set))
    until(lambda: busy._waiting)
    gone.set()
    with pytest.raises(Cancelled):
        asked.result(10)
    assert busy._waiting == []
    assert installation.ledger.verify().decisions == 0


def test_who_hangs_up_while_an_unsafe_one_waits_to_be_drawn_again_is_written_down(
    build: Build, installation: Installation
) -> None:
    def answer(job: Job) -> object:
        if job.steering:
            raise Cancelled("the caller cancelled the request", stage="wait")
        return Painter().render(job, lambda done, total: None)

    class Steerable(Misbehaving):
        most_steering = 2
        default_guidance = 5.0

    with pytest.raises(Cancelled):
        build(Steerable(answer), [Checker(lambda images: [finding(0.9)])], steering_retries=1).release(
            Order(prompt="x")
        )
    assert installation.ledger.verify().decisions == 1


def test_when_the_second_drawing_finds_no_place_the_first_answer_stands(build: Build) -> None:
    def answer(job: Job) -> object:
        if job.steering:
            raise Busy("waited too long", retry_after=3)
        return Painter().render(job, lambda done, total: None)

    class Steerable(Misbehaving):
        most_steering = 2
        default_guidance = 5.0

    unsafe = Checker(lambda images: [finding(0.9)])
    with pytest.raises(Unsafe):
        build(Steerable(answer), [unsafe], steering_retries=2).release(Order(prompt="a lake"))


def test_the_houses_queue_is_the_one_in_the_settings(installation: Installation) -> None:
    installation.settings.__dict__.update(queue_length=3, queue_timeout=7.0, batch_size=2)
    opened = open_queue(installation.settings, Painter())
    assert (opened._capacity, opened._max_wait, opened._batch_size) == (4, 7.0, 1)  # the painter draws no batches


# Quality and size.


@pytest.mark.parametrize(("wish", "steps"), [({}, 4), ({"quality": "high"}, 8), ({"quality": "high", "steps": 3}, 3)])
def test_high_quality_takes_the_models_steps_for_it(gateway: Gateway, wish: dict[str, Any], steps: int) -> None:
    released = gateway.release(Order(prompt="a lake", **wish))
    assert released.admitted.job.steps == steps
    assert any("quality" in warning for warning in released.admitted.warnings) == (wish.get("steps") is not None)


def test_a_model_of_one_quality_says_so(build: Build) -> None:
    class Plain(Painter):
        high_steps = Painter.default_steps

    released = build(Plain()).release(Order(prompt="a lake", quality="high"))
    assert released.admitted.warnings == ("quality has no effect: the number of steps is the same",)


def test_quality_over_http(build: Build, installation: Installation) -> None:
    http = client(installation, build())
    wishes = ("auto", "standard", "high", "hd")
    told = [http.post(URL, json={"prompt": "x", "quality": wish}).json()["quality"] for wish in wishes]
    assert told == ["standard", "standard", "high", "high"]
    assert http.post(URL, json={"prompt": "x", "quality": "best"}).status_code == 400


def test_what_is_enlarged_is_screened_as_it_leaves_and_says_so(build: Build, installation: Installation) -> None:
    checker = Checker()
    order = Order(prompt="a lake", seed=7, width=512, height=512, upscale="lanczos")
    released = build(checkers=[checker]).release(order)
    assert checker.seen[0].shape == (512, 512, 3)
    report = installation.examiner.examine(released.data)
    assert (report.verdict, report.asset.width) == ("issued_here", 512)
    actions = [(action.action, action.agent) for action in report.claimed.actions]
    assert actions == [
        ("c2pa.created", "painter"),
        ("c2pa.resized.proportional", "Pillow Lanczos"),
        ("c2pa.watermarked.bound", "Countermark"),
    ]
    assert "generated at 256x256 px and upscaled (lanczos)" in released.admitted.warnings


def test_what_is_not_enlarged_does_not_say_so(gateway: Gateway, installation: Installation) -> None:
    report = installation.examiner.examine(gateway.release(Order(prompt="a lake")).data)
    assert "c2pa.resized.proportional" not in [action.action for action in report.claimed.actions]


@pytest.mark.parametrize("size", [(None, None), (512, 256), (4096, 4096)])
def test_what_cannot_be_enlarged_is_refused(gateway: Gateway, size: tuple[int | None, int | None]) -> None:
    with pytest.raises(BadRequest, match="upscaled"):
        gateway.release(Order(prompt="a lake", width=size[0], height=size[1], upscale="lanczos"))


# Energy.


def decision(installation: Installation, content_id: str) -> dict[str, object]:
    (one,) = installation.ledger.decided(content_id)
    content: dict[str, object] = json.loads(one.body)
    return content


def test_energy_is_in_the_ledger_and_the_answer_and_not_in_the_manifest(
    build: Build, installation: Installation
) -> None:
    released = build(queue(Painter())).release(Order(prompt="a lake"))
    told = summarize(released).energy
    assert told is not None
    assert told.method == "model"
    assert told.watt_hours == pytest.approx(told.seconds, abs=0.001)  # at 3600 W
    assert decision(installation, released.admitted.content_id)["energy"] == told.model_dump()
    assert ENERGY_LABEL not in installation.examiner.examine(released.data).claimed.disclosures
    assert installation.ledger.verify().problems == ()


def test_energy_is_in_the_manifest_where_that_is_switched_on(build: Build, installation: Installation) -> None:
    gateway = build(queue(Painter()), energy_in_manifest=True)
    released = gateway.release(Order(prompt="a lake"))
    claimed = installation.examiner.examine(released.data).claimed
    assert claimed.state == "trusted"
    assert released.energy is not None
    assert claimed.disclosures[ENERGY_LABEL] == released.energy.rounded()


def test_where_nobody_measures_nothing_is_said(gateway: Gateway, installation: Installation) -> None:
    released = gateway.release(Order(prompt="a lake"))
    assert summarize(released).energy is None
    assert "energy" not in decision(installation, released.admitted.content_id)


def test_pictures_that_were_thrown_away_are_paid_for(build: Build) -> None:
    class Costly(Gated):
        def render(self, job: Job, on_step: OnStep) -> NDArray[np.uint8]:
            assert isinstance(on_step, Progress)
            on_step.add_energy(Energy(1.0, 2.0, "rapl"))
            return Painter.render(self, job, on_step)

    scores = iter([0.9, 0.9, 0.0])
    checker = Checker(lambda images: [finding(next(scores))])
    released = build(Costly(), [checker], steering_retries=2).release(Order(prompt="a lake"))
    assert released.energy == Energy(3.0, 6.0, "rapl")
