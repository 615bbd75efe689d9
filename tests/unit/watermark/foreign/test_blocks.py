"""Bits of blocks: the same as the package reads, and those that were put there."""

import cv2
import numpy as np
import pytest

from tests.unit.watermark.foreign.test_stock import with_extra
from tests.unit.watermark.tile.pictures import photo
from watermark.foreign.blocks import SIDE, BlockMethod, block_bits


@with_extra
@pytest.mark.parametrize("method", ["dwtDct", "dwtDctSvd"])
@pytest.mark.parametrize("name", ["astronaut", "coffee"])
def test_they_are_the_packages_own(name: str, method: BlockMethod) -> None:
    """But for values that lie exactly on a boundary, which the package rounds either way."""
    from imwatermark import WatermarkDecoder

    bgr = np.ascontiguousarray(photo(name)[:, :400, ::-1])
    bits = block_bits(bgr, method)
    assert np.mean(bits != WatermarkDecoder("bits", len(bits)).decode(bgr, method)) < 0.02


@pytest.mark.parametrize("shape", [(0, 0), (7, 300), (8, 8), (65, 130)])
def test_every_size(shape: tuple[int, int]) -> None:
    assert block_bits(np.zeros((*shape, 3), np.uint8), "dwtDct").shape == ((shape[0] // SIDE) * (shape[1] // SIDE),)


@pytest.mark.parametrize(("method", "gain"), [("dwtDct", 2), ("dwtDctSvd", 8)])
def test_a_bit_is_the_half_of_a_step_in_which_the_value_lies(method: BlockMethod, gain: int) -> None:
    """In blocks of one colour every coefficient is twice U, and the singular value of the 16 is eight times U."""
    for blue in range(0, 256, 5):
        bgr = np.full((8, 16, 3), (blue, 128, 128), np.uint8)
        u = float(cv2.cvtColor(bgr, cv2.COLOR_BGR2YUV)[0, 0, 1])
        if (place := gain * u % 36) not in (0, 18):
            assert block_bits(bgr, method).tolist() == [place > 18] * 2
