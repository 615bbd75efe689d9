import numpy as np
import pytest

from tests.unit.watermark.tile.pictures import Rgb, photo
from watermark.tile.margins import without_margins


def page(level: int, height: int = 900, width: int = 1200) -> Rgb:
    whole = np.full((height, width, 3), level, np.uint8)
    whole[200:500, 310:710] = photo("coffee", 400, 300)
    return whole


@pytest.mark.parametrize("level", [0, 245])
def test_the_picture_on_a_plain_page(level: int) -> None:
    """To within the step of the copy that is looked at."""
    box = without_margins(page(level))
    assert box is not None
    assert np.abs(np.array(box) - (200, 310, 500, 710)).max() <= 6


def test_noise_on_the_page_is_not_the_picture() -> None:
    noise = np.random.default_rng(1).normal(0, 2, (900, 1200, 1))
    dusty = np.clip(page(240) + noise, 0, 255).astype(np.uint8)
    dusty[5, 7] = 0
    box = without_margins(dusty)
    assert box is not None
    assert np.abs(np.array(box) - (200, 310, 500, 710)).max() <= 6


@pytest.mark.parametrize(
    "image",
    [photo("coffee"), np.full((300, 400, 3), 7, np.uint8), np.zeros((1, 1, 3), np.uint8), photo("rocket", 64, 48)],
)
def test_no_margins(image: Rgb) -> None:
    assert without_margins(image) is None
