"""A turned, scaled, mirrored or stretched image is put straight again, and back."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from watermark.tile.pattern import TILE
from watermark.tile.rectification import Rectification, at_plane_scale

ISSUED = np.zeros(4)


def smooth(shape: tuple[int, int]) -> NDArray[np.float32]:
    noise = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(noise, (0, 0), 4), np.float32)


def test_an_issued_image_stays_as_it_is() -> None:
    canvas = smooth((256, 320))
    plane = Rectification.of(canvas.shape, ISSUED, (0.0, 0.0), (0.0, 0.0))
    assert plane.size == (256, 320)
    assert plane.first == (0, 0)
    assert plane.straightened(canvas, canvas.shape) == pytest.approx(canvas, abs=1e-4)


def test_the_shift_moves_the_tiles() -> None:
    canvas = smooth((256, 256))
    plane = Rectification.of(canvas.shape, ISSUED, (10.0, 20.0), (0.0, 0.0))
    straight = plane.straightened(canvas, canvas.shape)
    assert (plane.first, plane.size) == ((-1, -1), (5 * TILE, 5 * TILE))
    assert straight[TILE : TILE + 200, TILE : TILE + 200] == pytest.approx(canvas[10:210, 20:220], abs=1e-4)


@pytest.mark.parametrize(
    "pose", [(0.0, np.pi / 2, 0.0, 0.0), (0.3, 0.2, 0.1, 0.0), (-0.2, -2.0, 0.0, 1.0), (0.5, 0.0, -0.3, 1.0)]
)
def test_there_and_back(pose: tuple[float, ...]) -> None:
    canvas = smooth((256, 300))
    plane = Rectification.of(canvas.shape, np.array(pose), (5.0, 9.0), (128.0, 150.0))
    back = plane.on_canvas(plane.straightened(canvas, canvas.shape), canvas.shape)
    inner = slice(24, -24)
    assert np.corrcoef(back[inner, inner].ravel(), canvas[inner, inner].ravel())[0, 1] > 0.99
    assert all(side % TILE == 0 for side in plane.size)


def test_a_larger_tile_is_read_from_a_smaller_copy() -> None:
    canvas = smooth((256, 256))
    plane = Rectification.of(canvas.shape, np.array([np.log(2), 0.0, 0.0, 0.0]), (0.0, 0.0), (0.0, 0.0))
    assert plane.shrinking == pytest.approx(2)
    small = at_plane_scale(canvas, plane)
    assert small.shape == (128, 128)
    straight = plane.straightened(small, canvas.shape)
    assert np.corrcoef(straight[8:-8, 8:-8].ravel(), small[8:-8, 8:-8].ravel())[0, 1] > 0.98
    assert at_plane_scale(canvas, Rectification.of(canvas.shape, ISSUED, (0.0, 0.0), (0.0, 0.0))) is canvas
