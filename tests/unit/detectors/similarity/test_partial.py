"""A part of an image against the PDQ hash of the whole."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from detectors import fingerprint
from detectors.similarity.partial import SIDE, agreement, sketch
from tests.unit.watermark.tile.pictures import PHOTOS, photo

WHOLE = np.ones((SIDE, SIDE), np.float32)


def small(name: str) -> NDArray[np.float32]:
    grey = cv2.cvtColor(photo(name), cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.float32)


def mask(top: int, left: int, side: int) -> NDArray[np.float32]:
    known = np.zeros((SIDE, SIDE), np.float32)
    known[top : top + side, left : left + side] = 1
    return known


@pytest.mark.parametrize("name", PHOTOS)
def test_the_sketch_resembles_its_image_and_no_other(name: str) -> None:
    bits = fingerprint(photo(name)).bits
    assert agreement(small(name), WHOLE, bits) > 8
    assert all(abs(agreement(small(other), WHOLE, bits)) < 2.5 for other in PHOTOS if other != name)
    assert sketch(bits).shape == (SIDE, SIDE)
    assert np.sqrt(np.mean(sketch(bits) ** 2)) == pytest.approx(1, rel=1e-3)


@pytest.mark.parametrize("name", ["astronaut", "coffee", "chelsea"])
def test_a_part_is_compared_with_its_place(name: str) -> None:
    bits, known = fingerprint(photo(name)).bits, mask(8, 12, 46)
    assert agreement(small(name), known, bits) > 4
    beside = np.roll(small(name), (14, -12), axis=(0, 1))
    assert agreement(beside, known, bits) < 3


def test_what_is_not_known_does_not_matter() -> None:
    bits, known = fingerprint(photo("coffee")).bits, mask(8, 12, 46)
    other = np.where(known > 0, small("coffee"), 255).astype(np.float32)
    assert agreement(other, known, bits) == pytest.approx(agreement(small("coffee"), known, bits), abs=1e-3)


def test_too_little_says_nothing() -> None:
    bits = fingerprint(photo("coffee")).bits
    assert agreement(small("coffee"), mask(0, 0, 10), bits) == 0
    assert agreement(np.full((SIDE, SIDE), 128, np.float32), WHOLE, bits) == pytest.approx(0, abs=0.1)
