"""The checks of an order before anything is generated."""

import threading

import pytest

from service.access.client import OPERATOR, Client
from service.gateway.admission import Admission, AdmittedOrder
from service.gateway.execution import UNOBSERVED
from service.gateway.order import Order
from service.gateway.pipeline import Gateway
from service.kit.errors import BadRequest, Busy
from service.media.pictures import encode
from tests.support.gateway import Build
from tests.support.painter import Checker, finding, landscape

IMAGE = encode(landscape(1, 256, 192), "png")[0]


def admission(gateway: Gateway) -> Admission:
    return gateway.admit._admission


def check(gateway: Gateway, order: Order, client: Client = OPERATOR) -> AdmittedOrder:
    return admission(gateway).check(order, client, UNOBSERVED)


def test_every_default_is_filled_in(gateway: Gateway) -> None:
    admitted = check(gateway, Order(prompt="a lake"))
    job, order = admitted.job, admitted.order
    assert (job.width, job.height, job.steps, job.guidance) == (256, 256, 4, 1.0)
    assert (order.seed, order.width, order.height, order.steps) == (job.seed, 256, 256, 4)
    again = check(gateway, order)
    assert again.job == job
    assert again.order == order


def test_options_of_the_model_reach_the_job(gateway: Gateway) -> None:
    job = check(gateway, Order(prompt="a lake", scheduler="ddim", upscale="lanczos", width=512, height=512)).job
    assert (job.options.scheduler, job.options.upscale) == ("ddim", "lanczos")


def test_high_quality_takes_the_models_steps_unless_the_order_names_some(gateway: Gateway) -> None:
    assert check(gateway, Order(prompt="x", quality="high")).job.steps == 8
    named = check(gateway, Order(prompt="x", quality="high", steps=3))
    assert named.job.steps == 3
    assert any("no effect" in warning for warning in named.warnings)


@pytest.mark.parametrize(
    ("client", "asked", "threshold"), [(1.0, None, 0.5), (0.3, None, 0.3), (1.0, 0.2, 0.2), (0.3, 0.9, 0.3)]
)
def test_the_strictest_threshold_counts(gateway: Gateway, client: float, asked: float | None, threshold: float) -> None:
    order = Order(prompt="x", safety_threshold=asked)
    assert check(gateway, order, Client("acme", safety_threshold=client)).threshold == threshold


def test_an_input_image_sets_size_and_is_named(gateway: Gateway) -> None:
    admitted = check(gateway, Order(prompt="x", image=IMAGE))
    assert (admitted.job.width, admitted.job.height) == (256, 192)
    assert [source.role for source in admitted.inputs] == ["image"]


def test_a_size_too_small_for_the_watermark_is_refused(gateway: Gateway) -> None:
    with pytest.raises(BadRequest, match="too small to carry the watermark"):
        check(gateway, Order(prompt="x", width=64, height=64))


def test_another_size_becomes_the_models_nearest_only_if_that_is_asked(gateway: Gateway) -> None:
    wanted = Order(prompt="x", width=300, height=260)
    with pytest.raises(BadRequest, match="multiples of 8"):
        check(gateway, wanted)
    admitted = check(gateway, wanted.model_copy(update={"nearest_size": True}))
    assert (admitted.order.width, admitted.order.height) == (296, 256)
    assert any("nearest size to 300x260" in warning for warning in admitted.warnings)
    assert check(gateway, admitted.order).warnings == ()


def test_what_a_file_cannot_be_is_said(gateway: Gateway) -> None:
    assert "lossless" in str(check(gateway, Order(prompt="x", compression=80)).warnings)
    assert "raised to 75" in str(check(gateway, Order(prompt="x", compression=10, format="jpeg")).warnings)
    assert check(gateway, Order(prompt="x", compression=80, format="webp")).warnings == ()


def test_seeds_that_nobody_chose_are_exact_in_javascript(gateway: Gateway) -> None:
    assert all(check(gateway, Order(prompt="x")).job.seed < 2**53 for _ in range(8))


def test_few_orders_with_images_are_checked_at_once(build: Build) -> None:
    """The others are told so; an order without images does not wait."""
    begun, freed = threading.Semaphore(0), threading.Event()

    def slow(images: object) -> list[object]:
        begun.release()
        freed.wait(20)
        return [finding(0.0)]

    gateway = build(checkers=[Checker(slow)], screen_timeout=0.2)
    waiting = build(checkers=[Checker(slow)], screen_timeout=20)
    gateway.admit._admission._slots = waiting.admit._admission._slots
    threads = [threading.Thread(target=check, args=(waiting, Order(prompt="x", image=IMAGE))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert begun.acquire(timeout=20)
    with pytest.raises(Busy, match="input images"):
        check(gateway, Order(prompt="x", image=IMAGE))
    assert check(gateway, Order(prompt="x")).job
    freed.set()
    for thread in threads:
        thread.join(20)
