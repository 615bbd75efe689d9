import numpy as np
import pytest
from skimage import data as photos

from detectors.synthetic.scope import flatness, out_of_scope
from detectors.synthetic.views import working_copy


def codes(rgb: np.ndarray, quality: int | None = None) -> list[str]:
    return list(out_of_scope(rgb, working_copy(rgb), quality))


@pytest.mark.parametrize("photo", [photos.astronaut(), photos.coffee(), photos.chelsea()])
def test_photographs_are_in_scope(photo: np.ndarray) -> None:
    assert codes(photo) == []
    assert codes(photo, 85) == []


def test_a_chart_is_not() -> None:
    chart = np.full((400, 400, 3), 255, np.uint8)
    chart[350:, ::40] = (200, 30, 30)
    assert codes(chart) == ["flat_graphic"]


def test_a_thumbnail_is_not() -> None:
    assert codes(photos.astronaut()[:150, :300]) == ["too_small"]


def test_a_crushed_jpeg_is_not() -> None:
    assert codes(photos.astronaut(), 20) == ["heavily_recompressed"]


def test_flatness_counts_equal_neighbours() -> None:
    assert flatness(np.zeros((2, 5, 3), np.uint8)) == 1
    assert flatness(np.zeros((2, 1, 3), np.uint8)) == 1
    stripes = np.zeros((4, 9, 3), np.uint8)
    stripes[:, ::2] = 255
    assert flatness(stripes) == 0
