import numpy as np

from service.media.heatmaps import enlarged, overlay


def test_high_is_red_and_low_is_blue() -> None:
    heat = np.array([[0.05, 0.5, 0.95]], np.float32)
    low, middle, high = overlay(np.full((1, 3, 3), 128, np.uint8), heat)[0].astype(int)
    assert high[0] > high[2]
    assert low[2] > low[0]
    assert middle[1] > max(middle[0], middle[2])


def test_the_picture_shows_through() -> None:
    picture = np.zeros((2, 2, 3), np.uint8)
    picture[0] = 255
    bright, dark = overlay(picture, np.full((2, 2), 0.5, np.float32)).astype(int).mean(axis=(1, 2))
    assert bright > dark + 50


def test_where_nobody_looked_it_stays_grey() -> None:
    picture = np.full((1, 3, 3), 128, np.uint8)
    left, middle, right = overlay(picture, np.array([[np.nan, 0.0, 1.0]], np.float32))[0]
    assert left.tolist() == [128, 128, 128]
    assert len(set(middle.tolist())) > 1 < len(set(right.tolist()))


def test_cells_that_were_not_looked_at_do_not_pale_their_neighbours() -> None:
    heat = enlarged(np.array([[np.nan, 1.0, 1.0]], np.float32), (10, 30))
    assert np.isnan(heat[:, :10]).all()
    assert np.allclose(heat[:, 10:], 1.0)


def test_a_map_without_gaps_is_only_enlarged() -> None:
    heat = enlarged(np.array([[0.0, 1.0]], np.float32), (4, 40))
    assert heat.shape == (4, 40)
    assert (np.diff(heat[0]) >= 0).all()
    assert heat.min() == 0.0 < heat.max() == 1.0
