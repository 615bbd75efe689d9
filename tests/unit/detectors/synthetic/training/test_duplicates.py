import cv2
import numpy as np
from skimage import data as photos

from detectors.synthetic.training.duplicates import same_picture


def smaller(rgb: np.ndarray, share: float) -> np.ndarray:
    return np.asarray(cv2.resize(rgb, None, fx=share, fy=share, interpolation=cv2.INTER_AREA), np.uint8)


def test_crops_of_one_picture_are_copies() -> None:
    picture = photos.astronaut()
    assert same_picture(smaller(picture[:360, :360], 0.8), smaller(picture[80:440, 60:420], 0.7))


def test_other_pictures_are_not() -> None:
    assert not same_picture(smaller(photos.astronaut(), 0.6), smaller(photos.coffee(), 0.7))
    assert not same_picture(np.zeros((200, 200, 3), np.uint8), smaller(photos.coffee(), 0.7))


def test_the_same_shapes_in_other_light_are_not() -> None:
    picture = smaller(photos.chelsea(), 0.8)
    assert not same_picture(picture, 255 - picture)
