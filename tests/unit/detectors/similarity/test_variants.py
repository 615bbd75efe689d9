import io

import numpy as np
import pytest
from PIL import Image
from skimage import data as photos

from detectors import distance, fingerprint, listings, looks, variants
from detectors.similarity.variants import orientations, trimmed
from tests.support.painter import landscape

PICTURES = [photos.astronaut(), photos.coffee(), photos.chelsea(), landscape(1, 256, 256)]


def nearest(listed: list[bytes], rgb: np.ndarray) -> int:
    seen = variants(rgb)
    return min(distance(hash_, look.bits) for hash_ in listed for look in seen)


def jpeg(rgb: np.ndarray, side: int) -> np.ndarray:
    image = Image.fromarray(np.ascontiguousarray(rgb))
    image.thumbnail((side, side))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=70)
    return np.asarray(Image.open(out))


@pytest.mark.parametrize("rgb", PICTURES)
def test_every_orientation_of_a_recompressed_copy_is_found(rgb: np.ndarray) -> None:
    listed = [fingerprint(rgb).bits]
    for turned in orientations(rgb):
        assert nearest(listed, jpeg(turned, 400)) <= 31


@pytest.mark.parametrize("rgb", PICTURES)
@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_letterboxed_copy_is_found(rgb: np.ndarray, level: int) -> None:
    framed = np.pad(rgb, ((60, 60), (20, 0), (0, 0)), constant_values=level)
    assert nearest([fingerprint(rgb).bits], jpeg(np.rot90(framed), 500)) <= 31


@pytest.mark.parametrize("rgb", PICTURES)
@pytest.mark.parametrize("share", [0.9, 0.8])
def test_a_central_crop_of_a_picture_that_was_seen_is_found(rgb: np.ndarray, share: float) -> None:
    down, across = (round(side * (1 - share) / 2) for side in rgb.shape[:2])
    crop = rgb[down:-down, across:-across]
    assert nearest([look.bits for look in looks(rgb)], crop[:, ::-1]) <= 31


@pytest.mark.parametrize("share", [0.9, 0.8])
def test_a_picture_within_a_busy_frame_is_found(share: float) -> None:
    inner = photos.astronaut()
    margin = round(512 * (1 / share - 1) / 2)
    framed = np.random.default_rng(0).integers(0, 255, (512 + 2 * margin, 512 + 2 * margin, 3)).astype(np.uint8)
    framed[margin:-margin, margin:-margin] = inner
    assert nearest([fingerprint(inner).bits], framed) <= 31


def test_other_pictures_are_far() -> None:
    for one in PICTURES:
        for other in PICTURES:
            if one is not other:
                assert nearest([look.bits for look in looks(one)], other) > 31


def test_the_first_is_the_pictures_own() -> None:
    rgb = landscape(3, 2000, 1500)
    assert variants(rgb)[0] == looks(rgb)[0] == fingerprint(rgb)


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (5, 5), (31, 31), (3000, 2)])
def test_tiny_and_thin_pictures(shape: tuple[int, int]) -> None:
    for level in (0, 255):
        rgb = np.full((*shape, 3), level, np.uint8)
        assert all(look.quality < 50 for look in [*variants(rgb), *looks(rgb)])


def test_an_even_picture_has_nothing_inside() -> None:
    assert trimmed(np.full((100, 100, 3), 7, np.uint8)) is None
    assert trimmed(landscape(1, 256, 256)) is None


SMALL = [np.ascontiguousarray(rgb[:512:2, :512:2]) for rgb in PICTURES[:2]]


@pytest.fixture(scope="module")
def listed() -> list[list[bytes]]:
    return [[look.bits for look in listings(rgb)] for rgb in SMALL]


@pytest.mark.parametrize(
    ("top", "bottom", "left", "right"), [(0, 0, 0.18, 0), (0.06, 0.06, 0, 0), (0.09, 0, 0.03, 0.06)]
)
def test_a_copy_with_cut_edges_is_found(
    listed: list[list[bytes]], top: float, bottom: float, left: float, right: float
) -> None:
    for rgb, known in zip(SMALL, listed, strict=True):
        height, width = rgb.shape[:2]
        cut = rgb[round(height * top) : round(height * (1 - bottom)), round(width * left) : round(width * (1 - right))]
        assert nearest(known, jpeg(cut[:, ::-1], 200)) <= 31


def test_another_picture_is_as_far_from_a_listing_as_ever(listed: list[list[bytes]]) -> None:
    one, other = listed
    assert nearest(one, SMALL[1]) > 64
    assert nearest(other, SMALL[0]) > 64


@pytest.mark.parametrize("shape", [(1, 1), (40, 40), (3000, 40), (40, 3000)])
def test_a_picture_of_any_form_is_listed(shape: tuple[int, int]) -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    found = listings(rgb)
    assert found[0] == fingerprint(rgb)
    assert len(found) <= 4 + 193


def test_every_cut_is_taken() -> None:
    assert len(listings(SMALL[0])) == len(looks(SMALL[0])) + 193
