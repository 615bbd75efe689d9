import base64
from types import SimpleNamespace
from typing import Any, cast

import pytest

from service.api.generation_requests import ImageGenerationRequest
from service.api.image_responses import image_of, images_response
from service.gateway.order import Order
from service.gateway.pipeline import Gateway
from service.kit.errors import Busy, Unsafe


def test_an_image_is_base64_or_a_data_url(gateway: Gateway) -> None:
    released = gateway.release(Order(prompt="a lake", format="webp"))
    text = base64.b64encode(released.data).decode()
    assert image_of(released, "b64_json").model_dump(exclude_none=True) == {"b64_json": text}
    assert image_of(released, "url").model_dump(exclude_none=True) == {"url": f"data:image/webp;base64,{text}"}


def test_only_what_passed_every_stage_becomes_an_image() -> None:
    with pytest.raises(TypeError):
        image_of(cast(Any, SimpleNamespace(data=b"x", mime="image/png")), "b64_json")


def test_the_response_names_refusals_by_index(gateway: Gateway) -> None:
    released = gateway.release(Order(prompt="a lake", seed=1))
    unsafe = Unsafe("unsafe", stage="screen")
    unsafe.content_id = "urn:uuid:1"
    body = ImageGenerationRequest.model_validate({"prompt": "a lake", "n": 3, "quality": "high"})
    response = images_response(body, "painter", [released], {0: unsafe, 2: Busy("full", retry_after=1)})
    assert (response.quality, response.size, len(response.data)) == ("high", "256x256", 1)
    assert [(each.index, each.code, each.appeal) for each in response.countermark.refusals] == [
        (0, "moderation_blocked", "urn:uuid:1"),
        (2, "busy", None),
    ]
