"""Manifests found again by watermark and fingerprint."""

import base64

import pytest

from detectors import fingerprint
from service.examiner.resolution import FINGERPRINT, WATERMARK, Match, SoftBindings
from service.gateway.order import Order
from service.gateway.pipeline import Gateway
from service.gateway.stages import Released
from service.installation import Installation
from service.kit.errors import BadRequest, NotFound
from service.media.pictures import ImageLimits, Picture, decode, encode
from tests.support.painter import landscape
from watermark.c2pa import jumbf
from watermark.c2pa.manifest import soft_binding_value

LIMITS = ImageLimits(1 << 24, 1 << 24)


@pytest.fixture
def bindings(installation: Installation) -> SoftBindings:
    return SoftBindings(installation.ledger, installation.codec)


@pytest.fixture
def released(gateway: Gateway) -> Released:
    return gateway.release(Order(prompt="a lake", seed=1))


def identifier(released: Released) -> str:
    return jumbf.active_manifest(released.proven.signed.manifest).label


def stripped(released: Released, to: "str" = "jpeg") -> Picture:
    """The image without its manifest, saved again."""
    return decode(encode(decode(released.data, LIMITS).rgb, to)[0], LIMITS)  # type: ignore[arg-type]


def test_by_watermark(bindings: SoftBindings, released: Released) -> None:
    value = soft_binding_value(released.admitted.mark_id)
    assert bindings.by_binding(WATERMARK, value, 10) == [Match(identifier(released))]
    assert bindings.by_binding(WATERMARK, soft_binding_value(1), 10) == []


def test_by_fingerprint(bindings: SoftBindings, released: Released) -> None:
    look = fingerprint(stripped(released).rgb).bits
    (match,) = bindings.by_binding(FINGERPRINT, base64.b64encode(look).decode(), 10)
    assert match.manifest_id == identifier(released)
    assert match.score is not None
    assert match.score > 80
    assert bindings.by_binding(FINGERPRINT, base64.b64encode(bytes(32)).decode(), 10) == []


@pytest.mark.parametrize(
    ("algorithm", "value", "says"),
    [
        ("com.example.other", "AAAAAAAA", "not one of"),
        (WATERMARK, "not base64!", "not base64"),
        (WATERMARK, "AAAA", "3 bytes"),
        (FINGERPRINT, "AAAAAAAA", "6 bytes"),
        (WATERMARK, "", "0 bytes"),
    ],
)
def test_values_that_are_none(bindings: SoftBindings, algorithm: str, value: str, says: str) -> None:
    with pytest.raises(BadRequest, match=says):
        bindings.by_binding(algorithm, value, 10)


def test_by_content_after_a_new_encoding(bindings: SoftBindings, released: Released) -> None:
    picture = stripped(released)
    assert bindings.by_content(picture, 10) == [Match(identifier(released), 100)]
    assert bindings.by_content(picture, 10, WATERMARK) == [Match(identifier(released), 100)]
    (alike,) = bindings.by_content(picture, 10, FINGERPRINT)
    assert alike.manifest_id == identifier(released)
    with pytest.raises(BadRequest, match="not one of"):
        bindings.by_content(picture, 10, "com.example.other")


def test_a_hint_is_tried_too(bindings: SoftBindings, released: Released) -> None:
    stranger = decode(encode(landscape(50, 256, 256), "png")[0], LIMITS)
    assert bindings.by_content(stranger, 10) == []
    hint = (WATERMARK, soft_binding_value(released.admitted.mark_id))
    assert bindings.by_content(stranger, 10, hint=hint) == [Match(identifier(released))]


def test_a_watermark_on_another_image_has_the_lowest_score(
    bindings: SoftBindings, released: Released, installation: Installation
) -> None:
    """Whoever copies our watermark onto a photograph does not make it ours."""
    copied = installation.codec.embed(landscape(50, 256, 256), released.admitted.mark_id)
    picture = decode(encode(copied, "png")[0], LIMITS)
    assert bindings.by_content(picture, 10) == [Match(identifier(released), 0)]


def test_no_more_than_asked_for(bindings: SoftBindings, released: Released) -> None:
    hint = (WATERMARK, soft_binding_value(released.admitted.mark_id))
    assert len(bindings.by_content(stripped(released), 1, hint=hint)) == 1


def test_the_manifest_as_it_was_signed(bindings: SoftBindings, released: Released) -> None:
    store = bindings.manifest(identifier(released), active_only=False)
    assert store == released.proven.signed.manifest
    active = bindings.manifest(identifier(released), active_only=True)
    assert jumbf.active_manifest(active).label == identifier(released)
    with pytest.raises(NotFound):
        bindings.manifest("urn:c2pa:00000000-0000-0000-0000-000000000000", active_only=False)
