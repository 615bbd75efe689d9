"""An order knows its fields, their limits, and which belong together."""

import pytest
from pydantic import ValidationError

from service.gateway.order import Order


@pytest.mark.parametrize(
    "fields",
    [
        {"safety_checker": None},
        {"output_type": "latent"},
        {"latents": [0.0]},
        {"prompt_embeds": [0.0]},
        {"num_images_per_prompt": 4},
        {"callback": "x"},
        {"width": 10**9},
        {"width": "512"},
        {"steps": 0},
        {"seed": -1},
        {"seed": True},
        {"guidance": float("nan")},
        {"guidance": float("inf")},
        {"format": "bmp"},
        {"prompt": ""},
        {"prompt": "x" * 2001},
    ],
)
def test_an_order_knows_only_its_fields(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Order(**{"prompt": "a lake", **fields})  # type: ignore[arg-type]  # what a caller may send


@pytest.mark.parametrize("fields", [{"mask": b"m"}, {"strength": 0.5}, {"mask": b"m", "references": (b"r",)}])
def test_what_belongs_to_an_edit_needs_an_image(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="need an image to change"):
        Order(prompt="a lake", **fields)  # type: ignore[arg-type]  # what a caller may send
    assert Order(prompt="a lake", image=b"i", **fields).image == b"i"  # type: ignore[arg-type]


def test_a_scale_needs_references() -> None:
    with pytest.raises(ValidationError, match="needs reference images"):
        Order(prompt="a lake", image=b"i", reference_scale=0.5)
    assert Order(prompt="a lake", references=(b"r",), reference_scale=0.5).reference_scale == 0.5


def test_the_use_is_the_scope_or_follows_from_the_images() -> None:
    assert Order(prompt="x").use == "portrait"
    assert Order(prompt="x", references=(b"r",)).use == "portrait"
    assert Order(prompt="x", image=b"i").use == "edit"
    assert Order(prompt="x", image=b"i", scope="commercial").use == "commercial"


def test_it_comes_back_from_json_with_its_files() -> None:
    order = Order(prompt="x", image=b"\x00\xff", references=(b"\x01",), adapters=("a:0.5",), scheduler="ddim")
    assert Order.model_validate_json(order.model_dump_json()) == order


def test_files_are_not_in_its_representation() -> None:
    assert "secret" not in repr(Order(prompt="x", image=b"secret", mask=b"secret", references=(b"secret",)))
