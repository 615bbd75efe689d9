"""Requests derive their fields from an order, under the names that clients know."""

import pytest
from pydantic import ValidationError

from service.api.generation_requests import (
    VARIATION,
    ImageEditRequest,
    ImageGenerationRequest,
    ImageVariationRequest,
    orders_of,
)
from service.gateway.order import LARGEST_SEED, Order
from service.kit.errors import BadRequest
from service.kit.surface import surface_fields

TEXTS = [field for field in surface_fields(Order) if field.surface.api and not field.is_file]


@pytest.mark.parametrize("field", TEXTS, ids=lambda field: field.name)
def test_each_field_has_the_orders_help_and_default(field) -> None:  # type: ignore[no-untyped-def]
    name = field.surface.api
    assert (name in ImageGenerationRequest.model_fields) is not field.surface.edits_only
    info = ImageEditRequest.model_fields[name]
    assert info.description == field.info.description
    assert info.is_required() == field.info.is_required()
    assert field.repeated or field.info.is_required() or info.default == field.info.default


@pytest.mark.parametrize(
    "wrong",
    [
        {"num_inference_steps": 0},
        {"num_inference_steps": 151},
        {"guidance_scale": -1},
        {"safety_threshold": 0},
        {"adapters": ["Not A Name"]},
        {"grants": ["G-1"]},
        {"scheduler": "magic"},
        {"upscale": "magic"},
        {"strength": 0.5},
        {"latents": []},
    ],
)
def test_the_limits_are_the_orders(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ImageGenerationRequest.model_validate({"prompt": "a lake", **wrong})


def test_json_does_not_tell_five_from_five_point_zero() -> None:
    request = ImageGenerationRequest.model_validate({"prompt": "x", "guidance_scale": 5, "safety_threshold": 1})
    (order,) = orders_of(request, {})
    assert (order.guidance, order.safety_threshold) == (5.0, 1.0)


def test_a_text_of_a_form_is_read_as_the_fields_type() -> None:
    request = ImageEditRequest.model_validate({"prompt": "x", "strength": "0.5", "num_inference_steps": "4", "n": "2"})
    orders = orders_of(request, {"image": b"file"})
    assert [(each.strength, each.steps, each.image) for each in orders] == [(0.5, 4, b"file")] * 2


def test_orders_take_every_field() -> None:
    values = {
        "prompt": "a lake", "negative_prompt": "people", "seed": 7, "num_inference_steps": 4, "guidance_scale": 2.5,
        "safety_threshold": 0.4, "adapters": ["a:0.5"], "scheduler": "ddim", "upscale": "lanczos", "scope": "style",
        "size": "512x256", "quality": "high", "output_format": "webp", "output_compression": 80, "n": 2,
    }  # fmt: skip
    orders = orders_of(ImageGenerationRequest.model_validate(values), {})
    assert orders == [
        Order(
            prompt="a lake", negative_prompt="people", seed=seed, steps=4, guidance=2.5, safety_threshold=0.4,
            adapters=("a:0.5",), scheduler="ddim", upscale="lanczos", scope="style", width=512, height=256,
            nearest_size=True, quality="high", format="webp", compression=80,
        )
        for seed in (7, 8)
    ]  # fmt: skip


def test_seeds_end_somewhere() -> None:
    with pytest.raises(BadRequest, match="largest seed"):
        orders_of(ImageGenerationRequest.model_validate({"prompt": "x", "n": 2, "seed": LARGEST_SEED}), {})


def test_without_a_seed_the_images_differ() -> None:
    one, two = orders_of(ImageGenerationRequest.model_validate({"prompt": "x", "n": 2}), {})
    assert one.seed is not None
    assert two.seed == one.seed + 1


def test_without_a_seed_there_is_a_random_one_for_the_first_image() -> None:
    request = ImageGenerationRequest.model_validate({"prompt": "a lake", "n": 2})
    first, second = orders_of(request, {}), orders_of(request, {})
    assert first[1].seed == (first[0].seed or 0) + 1
    assert first[0].seed != second[0].seed
    assert (first[1].seed or 0) < 2**53  # JavaScript rounds larger numbers


def test_null_is_unset_for_every_field() -> None:
    nulls = dict.fromkeys(ImageEditRequest.model_fields)
    assert ImageEditRequest.model_validate({**nulls, "prompt": "x"}) == ImageEditRequest.model_validate({"prompt": "x"})
    with pytest.raises(ValidationError, match="prompt"):
        ImageGenerationRequest.model_validate({"prompt": None})
    with pytest.raises(ValidationError, match="latents"):
        ImageGenerationRequest.model_validate({"prompt": "x", "latents": None})


def test_a_variation_needs_no_prompt() -> None:
    (order,) = orders_of(ImageVariationRequest.model_validate({"size": "256x256"}), {"image": b"file"})
    assert (order.prompt, order.image, order.use) == (VARIATION, b"file", "edit")
    with pytest.raises(ValidationError, match="prompt"):
        ImageVariationRequest.model_validate({"prompt": "x" * 3000})


def test_what_does_not_go_together_is_named_as_in_the_request() -> None:
    with pytest.raises(BadRequest) as caught:
        orders_of(ImageGenerationRequest.model_validate({"prompt": "x", "size": "0016x0016"}), {})
    assert caught.value.param == "size"
