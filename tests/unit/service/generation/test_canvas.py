import numpy as np
import pytest

from service.generation.canvas import IMAGE_STRENGTH, MASK_STRENGTH, canvas, restore_unmasked
from tests.support.painter import landscape


def test_the_middle_of_the_picture_is_fitted() -> None:
    wide = np.zeros((100, 300, 3), np.uint8)
    wide[:, 100:200] = 255
    fitted = canvas(wide, None, None, (64, 64))
    assert fitted.rgb.shape == (64, 64, 3)
    assert fitted.rgb[:, 8:-8].min() == 255
    assert (fitted.mask, fitted.strength) == (None, IMAGE_STRENGTH)


def test_the_mask_is_fitted_alike_and_stays_of_two_values() -> None:
    mask = np.zeros((100, 300), np.bool_)
    mask[:, 150:] = True
    fitted = canvas(landscape(1, 300, 100), mask, None, (64, 64))
    assert fitted.mask is not None
    assert fitted.mask.dtype == np.bool_
    assert not fitted.mask[:, :30].any()
    assert fitted.mask[:, 34:].all()
    assert fitted.strength == MASK_STRENGTH


@pytest.mark.parametrize(("strength", "steps", "done"), [(1.0, 20, 20), (0.8, 20, 16), (0.04, 20, 0)])
def test_a_strength_is_a_share_of_the_steps(strength: float, steps: int, done: int) -> None:
    assert canvas(landscape(1, 64, 64), None, strength, (64, 64)).steps(steps) == done


def test_outside_the_mask_not_a_pixel_changes() -> None:
    mask = np.zeros((64, 64), np.bool_)
    mask[:32] = True
    onto = canvas(landscape(1, 64, 64), mask, None, (64, 64))
    result = restore_unmasked(landscape(2, 64, 64), onto)
    assert np.array_equal(result[32:], landscape(1, 64, 64)[32:])
    assert np.array_equal(result[:32], landscape(2, 64, 64)[:32])
    unmasked = canvas(onto.rgb, None, None, (64, 64))
    assert np.array_equal(restore_unmasked(landscape(2, 64, 64), unmasked), landscape(2, 64, 64))
