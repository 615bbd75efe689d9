import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import Request

from service.access.client import OPERATOR, Client
from service.api.dependencies import Services
from service.api.generation_requests import ImageGenerationRequest
from service.api.image_inputs import ImageRequest
from service.api.image_release import release_images
from service.api.image_responses import ImagesResponse
from service.gateway.order import Order
from service.gateway.pipeline import Gateway
from service.installation import Installation
from service.kit.errors import BadRequest, Busy, Unavailable


class Present(Request):
    """A request whose caller stays."""

    def __init__(self) -> None:
        super().__init__({"type": "http"})

    async def is_disconnected(self) -> bool:
        return False


@pytest.fixture
def services(painted_installation: Installation) -> Iterator[Services]:
    opened = Services.open(painted_installation)
    yield opened
    opened.close()


def release(services: Services, client: Client = OPERATOR, **fields: Any) -> ImagesResponse:
    body = ImageGenerationRequest.model_validate({"prompt": "a lake", **fields})
    return asyncio.run(release_images(Present(), services, client, ImageRequest(body)))


def failing(monkeypatch: pytest.MonkeyPatch, faults: dict[int, Exception]) -> None:
    """Let the gateway raise for some seeds."""
    release_one = Gateway.release

    def fail(self: Gateway, order: Order, *more: Any) -> Any:
        if order.seed in faults:
            raise faults[order.seed]
        return release_one(self, order, *more)

    monkeypatch.setattr(Gateway, "release", fail)


def test_images_come_in_the_order_of_their_seeds(services: Services) -> None:
    found = release(services, n=3, seed=5)
    assert [image.seed for image in found.countermark.images] == [5, 6, 7]
    assert found.countermark.model == "painter"


def test_some_may_fail_and_are_named(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, {5: ValueError("a bug"), 7: Busy("full", retry_after=1)})
    found = release(services, n=3, seed=5)
    assert [image.seed for image in found.countermark.images] == [6]
    assert [(each.index, each.code) for each in found.countermark.refusals] == [(0, "internal"), (2, "busy")]


def test_if_all_fail_the_first_reason_is_raised(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, {5: Unavailable("the disk is full"), 6: Busy("full", retry_after=1)})
    with pytest.raises(Unavailable):
        release(services, n=2, seed=5)


def test_the_operator_and_the_tenant_limit_the_number(services: Services) -> None:
    services.installation.settings.__dict__["max_images"] = 3
    with pytest.raises(BadRequest, match="at most 3"):
        release(services, n=4)
    with pytest.raises(BadRequest, match="at most 1"):
        release(services, Client(max_images=1), n=2)


def test_without_capacity_nothing_is_started(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, {5: AssertionError("it was started")})
    with services.order_capacity.reserve(services.order_capacity.available), pytest.raises(Busy):
        release(services, seed=5)
    assert release(services, seed=6)


def test_what_has_no_effect_is_said(services: Services) -> None:
    found = release(services, seed=5, model="gpt-image-1", style="vivid", size="260x260")
    assert found.countermark.model == "painter"
    assert found.countermark.warnings == [
        "gpt-image-1 is another name for painter here: painter made the image",
        "style has no effect",
    ]
    (image,) = found.countermark.images
    assert found.size == "256x256"
    assert any("nearest size to 260x260" in warning for warning in image.warnings)


def test_a_model_that_is_not_served_is_refused(services: Services) -> None:
    with pytest.raises(BadRequest, match="painter") as caught:
        release(services, model="another")
    assert caught.value.param == "model"
