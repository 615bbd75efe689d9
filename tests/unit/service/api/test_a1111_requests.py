import base64
from typing import Any

import pytest

from service.api.a1111_requests import ImageToImage, TextToImage, parsed
from service.api.generation_requests import orders_of
from service.gateway.order import Order
from service.kit.errors import BadRequest

A = base64.b64encode(b"A").decode()


def order(**fields: Any) -> Order:
    sent, _ = parsed(TextToImage, {"prompt": "a lake", **fields})
    request = sent.request()
    return orders_of(request.fields, request.for_pipeline(0)[0])[0]


def test_fields_and_what_they_are_here() -> None:
    found = order(
        negative_prompt="people", steps=8, cfg_scale=4, width=256, height=512, seed=3, sampler_name="DPM++ 2M Karras"
    )
    assert (found.negative_prompt, found.steps, found.guidance, found.seed) == ("people", 8, 4.0, 3)
    assert (found.width, found.height, found.nearest_size, found.scheduler) == (256, 512, True, "dpmpp_2m")


def test_what_is_unset_is_the_models_own() -> None:
    found = order(steps=None, seed=-1, width=256)
    assert (found.steps, found.guidance, found.width, found.scheduler) == (None, None, None, None)
    assert found.seed is not None


def test_images_are_batches_in_turn() -> None:
    sent, _ = parsed(TextToImage, {"prompt": "a lake", "batch_size": 2, "n_iter": 3})
    assert sent.request().fields.n == 6


def test_a_sampler_that_is_not_here_is_the_models_own() -> None:
    sent, _ = parsed(TextToImage, {"prompt": "a lake", "sampler_index": "LMS Karras"})
    assert sent.warnings
    assert order(sampler_index="LMS Karras").scheduler is None
    assert parsed(TextToImage, {"sampler_index": "Euler a"})[0].warnings == ()


def test_what_has_no_effect_is_listed_and_null_is_unset() -> None:
    _, ignored = parsed(TextToImage, {"prompt": "x", "eta": 0.5, "tiling": None, "styles": [], "alwayson_scripts": {}})
    assert ignored == ("eta",)


def test_an_image_and_its_mask() -> None:
    sent, _ = parsed(ImageToImage, {"prompt": "x", "init_images": [A], "mask": A, "denoising_strength": 0.4})
    request = sent.request()
    (found,) = orders_of(request.fields, request.for_pipeline(0)[0])
    assert (found.image, found.mask, found.strength) == (b"A", b"A", 0.4)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"init_images": []}, "init_images"),
        ({"init_images": ["https://example.com"]}, "init_images"),
        ({"init_images": [A], "mask": "!"}, "mask"),
        ({"init_images": [A], "inpainting_mask_invert": 1}, "inpainting_mask_invert"),
        ({"init_images": [A], "denoising_strength": 0}, "denoising_strength"),
        ({"init_images": [A], "prompt": ""}, "prompt"),
        ({"init_images": [A], "prompt": "< LoRA:x:1>"}, "prompt"),
        ({"init_images": [A], "batch_size": 11}, "batch_size"),
        ({"init_images": [A], "unknown": None, "more": 1}, "more"),
    ],
)
def test_what_is_wrong_is_named(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(BadRequest) as caught:
        parsed(ImageToImage, {"prompt": "x", **fields})[0].request()
    assert caught.value.param == param


def test_what_is_no_object() -> None:
    with pytest.raises(BadRequest):
        parsed(TextToImage, ["prompt"])
