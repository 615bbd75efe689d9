import numpy as np

from service.heatmaps import overlay


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
