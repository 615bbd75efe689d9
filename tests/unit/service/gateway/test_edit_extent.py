import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.gateway.edit_extent import CHANGED_LEVELS, EditExtent, check_changed, check_mask, extent
from service.generation.canvas import Canvas
from service.kit.errors import EditTooSmall

GREY = np.full((40, 60, 3), 100, np.uint8)


def masked(rows: int) -> Canvas:
    mask = np.zeros((40, 60), bool)
    mask[:rows] = True
    return Canvas(GREY, mask, 1.0)


@given(st.integers(0, 40), st.integers(0, 40), st.integers(-100, 100))
def test_pixels_are_counted_by_mask_and_by_difference(rows: int, changed: int, by: int) -> None:
    after = GREY.copy()
    after[:changed, :, 1] = 100 + by
    found = extent(masked(rows), after)
    assert (found.pixels, found.generated) == (2400, rows * 60)
    assert found.changed == (changed * 60 if abs(by) > CHANGED_LEVELS else 0)
    assert found.share == min(found.generated, found.changed) / 2400


def test_without_a_mask_every_pixel_may_be_generated() -> None:
    assert extent(Canvas(GREY, None, 0.8), GREY).generated == 2400


def test_psnr_is_that_of_the_whole_picture() -> None:
    after = GREY.copy()
    after[0, 0] = 110
    squares = 3 * 10**2 / after.size
    assert extent(masked(40), after).psnr == pytest.approx(10 * np.log10(255**2 / squares), abs=0.05)
    assert extent(masked(40), GREY).psnr is None


def test_an_upscaled_edit_is_compared_with_its_input_upscaled() -> None:
    large = np.full((80, 120, 3), 100, np.uint8)
    large[:40] = 200
    found = extent(masked(20), large)
    assert (found.pixels, found.generated, found.changed) == (9600, 4800, 4800)


def test_the_least_share_is_enough() -> None:
    check_mask(masked(1), 1 / 40)
    with pytest.raises(EditTooSmall, match="60 of 2,400 px") as refused:
        check_mask(masked(1), 0.026)
    assert refused.value.stage == "admit"
    check_mask(Canvas(GREY, None, 0.8), 1.0)


@pytest.mark.parametrize(("generated", "changed"), [(2400, 23), (23, 2400), (0, 0)])
def test_an_edit_that_changed_too_little_is_refused(generated: int, changed: int) -> None:
    found = EditExtent(2400, generated, changed, 40.0)
    with pytest.raises(EditTooSmall) as refused:
        check_changed(found, 0.01)
    assert refused.value.stage == "screen"
    check_changed(found, 0.0)
