"""The map of where a mark still is."""

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest

from tests.unit.watermark.tile.pictures import Rgb, cartoon, photo, resized
from watermark import Codec, Keyring
from watermark.tile.coverage import CELL

CODEC = Codec(Keyring.from_secret(b"a secret for the tests"))


@cache
def marked() -> Rgb:
    return CODEC.embed(photo("astronaut"), 42)


def coverage(rgb: Rgb) -> np.ndarray:
    reading = CODEC.extract(rgb)
    assert reading is not None
    assert reading.coverage is reading.coverage
    return reading.coverage


@pytest.mark.parametrize(("width", "height"), [(256, 256), (300, 200), (511, 513), (640, 400), (200, 390)])
def test_one_cell_for_every_32_pixels_begun(width: int, height: int) -> None:
    share = coverage(CODEC.embed(resized(cartoon(3), width, height), 1))
    assert share.shape == (-(-height // CELL), -(-width // CELL))
    assert share.dtype == np.float32
    assert share.min() >= 0
    assert share.max() <= 1


@pytest.mark.parametrize("turn", [lambda x: x, lambda x: x[:, ::-1], np.rot90, lambda x: x[::-1, ::-1]])
def test_what_was_pasted_over_is_not_covered(turn: Callable[[Rgb], Rgb]) -> None:
    edited = marked().copy()
    edited[64:320, 192:448] = photo("coffee")[64:320, 192:448]
    share = coverage(turn(edited))
    whole = turn(np.ones((16, 16), np.uint8))
    whole[:] = turn(np.pad(np.zeros((8, 8)), ((2, 6), (6, 2)), constant_values=1))
    inside, outside = np.median(share[whole == 0]), np.median(share[whole == 1])
    assert inside < 0.25
    assert outside > 0.7


def test_an_untouched_picture_is_covered() -> None:
    assert np.median(coverage(marked())) > 0.8
    assert np.median(coverage(CODEC.embed(cartoon(3), 7))) > 0.8


def test_a_crop_is_covered_too() -> None:
    assert np.median(coverage(marked()[60:480, 40:460])) > 0.8


def test_the_ends_of_very_long_pictures_are_not_looked_at() -> None:
    share = coverage(CODEC.embed(resized(cartoon(6, 512), 1000, 200), 3))
    assert np.isnan(share[:, :8]).all()
    assert np.isnan(share[:, -8:]).all()
    assert not np.isnan(share[:, 12:-12]).any()
