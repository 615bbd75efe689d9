"""Released files keep to the official asset rubric.

Every file that any test releases must keep to the rules of its manifest (`tests/conftest.py`); here are the kinds of
file with the rules of the bare SDK as well.
"""

from dataclasses import replace
from typing import Any

import pytest

from service.gateway.order import Order
from service.gateway.pipeline import Gateway
from service.installation import Installation
from service.media.pictures import encode
from tests.support import rubric
from tests.support.painter import landscape
from tests.support.statements import STATEMENT
from watermark.c2pa.manifest import InputSource, Resized


@pytest.mark.parametrize("to", ["png", "jpeg", "webp", "avif", "tiff"])
def test_generated(gateway: Gateway, to: Any) -> None:
    released = gateway.release(Order(prompt="a lake", seed=1, format=to))
    assert rubric.broken(released.data, released.mime, released.proven.signed.manifest) == []


@pytest.mark.parametrize("signed", [False, True])
def test_edited(gateway: Gateway, installation: Installation, signed: bool) -> None:
    """Of an image without a credential, and of one with its own."""
    data, mime = encode(landscape(5, 256, 256), "jpeg")
    if signed:
        data = installation.credentials.sign(data, mime, STATEMENT).data
    released = gateway.release(Order(prompt="a lake", seed=1, image=data))
    store = released.proven.signed.manifest
    assert rubric.broken(released.data, released.mime, store) == []
    ingredients = rubric.Manifest(store).ingredients
    assert ["activeManifest" in one for one in ingredients] == [signed]


@pytest.mark.parametrize(
    "more",
    [
        {"resized": Resized("Pillow Lanczos", "12.0", (64, 64))},
        {"sources": (InputSource("reference", "image/png", "a" * 64),)},
        {"sources": (InputSource("image", "image/png", "a" * 64), InputSource("mask", "image/png", "b" * 64))},
        {"sources": (InputSource("image", "image/png", "a" * 64, (400, 300)),), "canvas": (64, 64)},
        {"consents": ("a" * 64,), "adapters": (("b" * 64, 0.5),), "energy": {"seconds": 1.0, "method": "model"}},
    ],
)
def test_statements_of_other_kinds(installation: Installation, more: dict[str, Any]) -> None:
    data, mime = encode(landscape(1, 64, 64), "png")
    signed = installation.credentials.sign(data, mime, replace(STATEMENT, **more))
    assert rubric.broken(signed.data, mime, signed.manifest) == []


def test_the_rules_see_what_is_wrong(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    """The manifests of version 0.1 broke two of them."""
    from watermark.c2pa import manifest

    monkeypatch.setattr(manifest, "SPEC_VERSION", "2.2.0")
    monkeypatch.setattr(manifest, "ENHANCED", None)
    monkeypatch.setattr(manifest, "COMPOSITE", None)
    data, mime = encode(landscape(1, 64, 64), "png")
    edit = replace(STATEMENT, sources=(InputSource("image", "image/png", "a" * 64),))
    signed = installation.credentials.sign(data, mime, edit)
    assert set(rubric.broken(signed.data, mime, signed.manifest)) >= {
        "mandatory_spec_version",
        "mandatory_dst_for_perceptible_transformations",
    }
