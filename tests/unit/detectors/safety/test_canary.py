import numpy as np
import pytest

from detectors.safety.canary import canary


@pytest.mark.parametrize("seed", [614, 876])
def test_a_drawing_is_the_same_for_its_seed(seed: int) -> None:
    drawn = canary(seed)
    assert drawn.shape == (224, 224, 3)
    assert drawn.dtype == np.uint8
    assert np.array_equal(drawn, canary(seed))
    assert not np.array_equal(drawn, canary(seed + 1))
