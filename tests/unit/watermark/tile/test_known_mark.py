"""Marks that are too faint to be read, or were subtracted, are found by whoever knows which to look for."""

from collections.abc import Callable
from functools import cache

import cv2
import numpy as np
import pytest

from tests.unit.watermark.tile.pictures import PHOTOS, Rgb, photo, resized
from watermark import Codec, Keyring, KnownMark
from watermark.tile.known_mark import canonical_shape, strongest

KEYRING = Keyring.from_secret(b"a secret for the tests")
CODECS = {version: Codec(KEYRING, version=version) for version in (1, 2)}
CODEC = CODECS[2]
MARK_ID, OTHER = 0xC0FFEE123456, 0x123456C0FFEE
SIZE = (512, 512)
LIMIT = 1e-6


@cache
def marked(version: int = 2) -> Rgb:
    return CODECS[version].embed(photo("astronaut"), MARK_ID)


def jpeg(rgb: Rgb, quality: int) -> Rgb:
    _, coded = cv2.imencode(".jpg", np.ascontiguousarray(rgb[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = cv2.imdecode(coded, cv2.IMREAD_COLOR)
    assert decoded is not None
    return np.ascontiguousarray(decoded[..., ::-1], dtype=np.uint8)


LOST: dict[str, Callable[[Rgb], Rgb]] = {
    "jpeg 10": lambda x: jpeg(x, 10),
    "blur 4": lambda x: cv2.GaussianBlur(x, (0, 0), 4.0),
    "a sixth of the size": lambda x: resized(resized(x, 84, 84), 512, 512),
    "median 9": lambda x: cv2.medianBlur(x, 9),
}


@pytest.mark.parametrize("change", LOST)
@pytest.mark.parametrize("version", [1, 2])
def test_a_known_mark_is_found_where_its_id_is_lost(change: str, version: int) -> None:
    found = CODEC.look_for(LOST[change](marked(version)), MARK_ID, SIZE)
    assert found.message > 0
    assert found.p_value <= LIMIT


@pytest.mark.parametrize("name", PHOTOS)
def test_an_unmarked_image_carries_no_known_mark(name: str) -> None:
    found = CODEC.look_for(photo(name), MARK_ID, SIZE)
    assert found.p_value > 1e-3
    assert found.template_p_value > 1e-3


def test_another_id_is_not_found() -> None:
    assert CODEC.look_for(marked(), OTHER, SIZE).p_value > 1e-3
    stranger = Codec(Keyring.from_secret(b"another secret for the tests"))
    assert stranger.look_for(marked(), MARK_ID, SIZE).p_value > 1e-3


@pytest.mark.parametrize("version", [1, 2])
def test_a_mark_that_was_subtracted_too_strongly_leaves_its_negative(version: int) -> None:
    clean = photo("astronaut").astype(np.float32)
    removed = np.clip(clean - (marked(version) - clean), 0, 255).astype(np.uint8)
    found = CODEC.look_for(removed, MARK_ID, SIZE)
    assert found.message < 0
    assert found.template < 0
    assert max(found.p_value, found.template_p_value) <= LIMIT


def test_it_is_found_at_another_size_and_aspect() -> None:
    assert CODEC.look_for(resized(marked(), 300, 200), MARK_ID, SIZE).p_value <= LIMIT


def test_what_is_too_small_carries_nothing() -> None:
    assert CODEC.look_for(np.zeros((0, 9, 3), np.uint8), MARK_ID, SIZE) == KnownMark(0.0, 0.0, 1)


def test_the_strongest_trace_counts_from_either_side() -> None:
    found = strongest([(1.0, 2.0), (-7.0, 1.0), (3.0, -2.5)])
    assert found == KnownMark(-7.0, -2.5, 3)
    assert found.p_value == pytest.approx(6 * np.exp(-24.5))


@pytest.mark.parametrize(("issued", "shape"), [(SIZE, (256, 256)), ((256, 384), (160, 240)), ((900, 600), (384, 256))])
def test_the_shape_at_which_an_image_was_marked(issued: tuple[int, int], shape: tuple[int, int]) -> None:
    assert canonical_shape(issued) == shape
