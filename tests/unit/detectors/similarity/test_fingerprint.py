import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage import data as photos

from detectors import distance, fingerprint, variants
from detectors.similarity.fingerprint import LONGEST_SIDE, bounded
from tests.support.painter import landscape

hashes = st.binary(min_size=32, max_size=32)


def test_a_recompressed_half_size_copy_is_near() -> None:
    photo = photos.astronaut()
    small = cv2.resize(photo, (256, 256), interpolation=cv2.INTER_AREA)
    squeezed = cv2.imdecode(cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 30])[1], cv2.IMREAD_COLOR)
    assert squeezed is not None
    assert distance(fingerprint(photo).bits, fingerprint(np.asarray(squeezed, np.uint8)).bits) <= 31


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


def test_a_very_large_picture_is_reduced_first_and_hashes_alike() -> None:
    small = landscape(3, 600, 900)
    large = np.kron(small, np.ones((8, 8, 1), np.uint8))
    assert max(large.shape) > LONGEST_SIDE >= max(bounded(large).shape)
    assert distance(fingerprint(small).bits, fingerprint(large).bits) <= 4


@pytest.mark.parametrize("shape", [(200_000, 3), (3, 200_000), (1, 1), (5000, 1)])
def test_a_picture_of_any_form_is_hashed(shape: tuple[int, int]) -> None:
    found = fingerprint(np.zeros((*shape, 3), np.uint8))
    assert (len(found.bits), found.quality) == (32, 0)
    assert variants(np.zeros((*shape, 3), np.uint8))
