import cv2
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from skimage import data as photos

from detectors import distance, fingerprint

hashes = st.binary(min_size=32, max_size=32)


def test_a_recompressed_half_size_copy_is_near() -> None:
    photo = photos.astronaut()
    small = cv2.resize(photo, (256, 256), interpolation=cv2.INTER_AREA)
    squeezed = cv2.imdecode(cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 30])[1], cv2.IMREAD_COLOR)
    assert distance(fingerprint(photo).bits, fingerprint(squeezed).bits) <= 31


def test_another_photo_is_far() -> None:
    assert distance(fingerprint(photos.astronaut()).bits, fingerprint(photos.coffee()).bits) > 80


def test_a_blank_picture_has_no_quality() -> None:
    look = fingerprint(np.zeros((64, 64, 3), np.uint8))
    assert look.quality == 0
    assert len(look.bits) == 32


@given(hashes, hashes, hashes)
def test_distance_is_a_metric(a: bytes, b: bytes, c: bytes) -> None:
    assert distance(a, a) == 0
    assert distance(a, b) == distance(b, a)
    assert distance(a, c) <= distance(a, b) + distance(b, c)
    assert distance(a, bytes(x ^ 255 for x in a)) == 256
