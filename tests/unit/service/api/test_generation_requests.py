from typing import Any

import pytest
from pydantic import ValidationError

from service.api.generation_requests import ImageEditRequest, ImageGenerationRequest, orders_of
from service.gateway.order import LARGEST_SEED
from service.kit.errors import BadRequest


def wish(**fields: Any) -> ImageGenerationRequest:
    return ImageGenerationRequest.model_validate({"prompt": "a lake", **fields})


def test_each_image_is_an_order_with_its_own_seed() -> None:
    orders = orders_of(wish(n=3, seed=5, size="512x256", num_inference_steps=7, adapters=["style:0.5"]), {})
    assert [order.seed for order in orders] == [5, 6, 7]
    assert {(order.width, order.height, order.steps, order.adapters) for order in orders} == {
        (512, 256, 7, ("style:0.5",))
    }


def test_without_a_seed_there_is_a_random_one() -> None:
    first, second = (orders_of(wish(n=2), {}) for _ in range(2))
    assert first[1].seed == (first[0].seed or 0) + 1
    assert first[0].seed != second[0].seed


def test_seeds_end_somewhere() -> None:
    assert orders_of(wish(seed=LARGEST_SEED), {})
    with pytest.raises(BadRequest, match="largest seed"):
        orders_of(wish(n=2, seed=LARGEST_SEED), {})


@pytest.mark.parametrize(("quality", "expected"), [("auto", "standard"), ("standard", "standard"), ("high", "high")])
def test_quality(quality: str, expected: str) -> None:
    assert wish(quality=quality).order_quality == expected


def test_whole_numbers_are_numbers_and_null_is_the_default() -> None:
    assert ImageGenerationRequest.model_validate({"prompt": "x", "n": None, "size": None, "guidance_scale": 5}) == (
        ImageGenerationRequest.model_validate({"prompt": "x", "guidance_scale": 5.0})
    )


def test_text_of_a_form_is_read_as_what_it_says() -> None:
    request = ImageEditRequest.model_validate(
        {"prompt": "x", "n": "2", "seed": "7", "strength": "0.5", "stream": "false", "guidance_scale": "3"}
    )
    (order, _) = orders_of(request, {"image": b"A"})
    assert (order.seed, order.strength, order.guidance, order.image) == (7, 0.5, 3.0, b"A")
    with pytest.raises(ValidationError):
        ImageGenerationRequest.model_validate({"prompt": "x", "n": "2"})


def test_fields_that_do_not_go_together() -> None:
    request = ImageEditRequest.model_validate({"prompt": "x", "strength": 0.5})
    with pytest.raises(BadRequest, match="image"):
        orders_of(request, {})
