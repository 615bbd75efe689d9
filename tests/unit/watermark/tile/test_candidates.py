import numpy as np

from tests.unit.watermark.tile.pictures import photo
from watermark.tile.candidates import View
from watermark.tile.canvas import contrast_weighted, luma, scaled
from watermark.tile.pattern import TILE


def test_a_view_is_levelled_once() -> None:
    canvas = scaled(luma(photo("astronaut")), 0.5)
    view = View(canvas, (512, 512), (512, 512), (0, 0))
    assert view.pitch == TILE
    assert view.level is view.level
    assert np.array_equal(view.level, contrast_weighted(canvas))
    assert np.array_equal(view.negative.canvas, 255 - canvas)
    assert view.negative.corner == view.corner
