"""The content's signs: alike on a copy, unlike on another picture, and secret."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.unit.watermark.tile.pictures import photo
from watermark.tile.canvas import luma
from watermark.tile.content import ContentSigns

SIGNS = ContentSigns(b"k" * 32)


def grey(name: str) -> NDArray[np.float32]:
    return luma(photo(name, 256, 256))


def alike(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    return float(np.mean(one * other))


def test_one_sign_for_every_sample() -> None:
    signs = SIGNS.of(grey("astronaut")[:200])
    assert signs.shape == (200, 256)
    assert signs.dtype == np.float32
    assert set(np.unique(signs).tolist()) == {-1.0, 1.0}


@pytest.mark.parametrize("name", ["astronaut", "chelsea", "coffee"])
def test_noise_blur_and_tone_hardly_change_them(name: str) -> None:
    image = grey(name)
    noise = np.random.default_rng(1).normal(0, 10, image.shape).astype(np.float32)
    for copy in (image + noise, cv2.GaussianBlur(image, (0, 0), 1.5), 255 * (image / 255) ** 1.3, image * 0.8):
        assert alike(SIGNS.of(image), SIGNS.of(np.asarray(copy, np.float32))) > 0.85


def test_a_crop_has_the_signs_of_its_place() -> None:
    image = grey("astronaut")
    part = SIGNS.of(image[64:192, 32:224])
    assert alike(part, SIGNS.of(image)[64:192, 32:224]) > 0.85


def test_another_picture_has_others() -> None:
    names = ("astronaut", "chelsea", "coffee")
    for one, other in zip(names, names[1:] + names[:1], strict=True):
        assert abs(alike(SIGNS.of(grey(one)), SIGNS.of(grey(other)))) < 0.3


def test_another_key_gives_others() -> None:
    image = grey("astronaut")
    assert abs(alike(SIGNS.of(image), ContentSigns(b"l" * 32).of(image))) < 0.5


def test_where_nothing_is_to_be_seen_noise_does_not_decide() -> None:
    noise = np.random.default_rng(2).normal(128, 2, (128, 128)).astype(np.float32)
    assert SIGNS.of(noise).min() == 1
