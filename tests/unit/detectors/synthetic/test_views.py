import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.synthetic import views

SIDES = st.integers(1, 900)


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(height * 7 + width).integers(0, 256, (height, width, 3), np.uint8)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((320, 320), (320, 320)),
        ((512, 768), (512, 768)),
        ((600, 600), (512, 512)),
        ((1024, 1024), (717, 717)),
        ((2000, 1500), (956, 717)),
        ((150, 1000), (150, 450)),
        ((40, 100), (128, 320)),
    ],
)
def test_the_working_copy_has_the_scale_of_the_training(size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert views.working_copy(noise(*size)).shape[:2] == expected


@given(SIDES, SIDES)
def test_every_size_gives_views(height: int, width: int) -> None:
    working = views.working_copy(noise(height, width))
    assert views.encoder_view(working).shape == (224, 224, 3)
    side = min(192, *working.shape[:2])
    assert views.crops(working).shape == (5, side, side, 3)
    patches, (rows, columns) = views.grid(working, 96)
    assert len(patches) == rows * columns > 0


def test_the_grid_reaches_every_edge() -> None:
    picture = noise(500, 700)
    patches, (rows, columns) = views.grid(picture, 96)
    np.testing.assert_array_equal(patches[0], picture[:192, :192])
    np.testing.assert_array_equal(patches[-1], picture[-192:, -192:])
    assert (rows, columns) == (5, 7)


def test_a_large_picture_costs_no_more_than_its_working_copy() -> None:
    flat = np.broadcast_to(np.uint8(7), (4320, 7680, 3))
    assert views.working_copy(np.ascontiguousarray(flat)).shape == (717, 1275, 3)


def test_tiles_cover_the_working_copy() -> None:
    working = np.zeros((500, 717, 3), np.uint8)
    covered = np.zeros(working.shape[:2], bool)
    for rows, columns in views.tiles(working, 200):
        assert working[rows, columns].shape == (320, 320, 3)
        covered[rows, columns] = True
    assert covered.all()
    assert len(views.tiles(working[:300, :300], 200)) == 1
