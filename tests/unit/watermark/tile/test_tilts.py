import cv2
import numpy as np
import pytest

from tests.unit.watermark.tile.pictures import photo
from watermark.tile.candidates import View
from watermark.tile.canvas import luma, scaled
from watermark.tile.reading import Reading
from watermark.tile.tilts import TILTS, Tilt

SIDE = 512


def view() -> View:
    return View(scaled(luma(photo("astronaut")), 0.5), (SIDE, SIDE), (SIDE, SIDE), (0, 0))


def bent(tilt: Tilt, seen: View) -> View:
    """`seen` with the tilt done to it."""
    return Tilt(np.asarray(np.linalg.inv(tilt.matrix), np.float64)).straightened(seen)


@pytest.mark.parametrize("number", range(len(TILTS)))
def test_a_tilt_is_undone(number: int) -> None:
    straight = TILTS[number].straightened(bent(TILTS[number], view())).canvas
    inner = slice(40, -40)
    error = np.abs(straight - view().canvas)[inner, inner].mean()
    assert error < 0.5 * np.abs(bent(TILTS[number], view()).canvas - view().canvas)[inner, inner].mean()


def test_tilts_go_in_every_direction() -> None:
    assert len({tuple(np.round(tilt.matrix.ravel(), 9)) for tilt in TILTS}) == len(TILTS)
    assert sum(tilt.matrix[2, :2] for tilt in TILTS) == pytest.approx([0, 0])
    assert sum(tilt.matrix[0, 1] for tilt in TILTS) == pytest.approx(0)


@pytest.mark.parametrize("degrees", [5, 6, 7, 8, 9, 10, 11])
def test_every_perspective_is_near_a_tilt(degrees: float) -> None:
    """What is left is no more than a perspective of four degrees, which the search finds without."""
    far = np.sin(np.radians(degrees)) / 2  # seen from as far away as the image is wide
    rows = np.array([tilt.matrix[2, :2] for tilt in TILTS])
    for direction in np.radians(np.arange(0, 360, 5)):
        seen = far * np.array([np.cos(direction), np.sin(direction)])
        assert np.hypot(*(rows - seen).T).min() < np.sin(np.radians(4)) / 2


def test_a_reading_is_told_in_the_places_of_the_image() -> None:
    tilt, seen = TILTS[0], view()
    cells = np.zeros((16, 16), np.float32)
    cells[:, 12:] = 1
    place = np.array([[SIDE, 0.0, -0.5], [0.0, SIDE, -0.5]])
    told = tilt.told(Reading(1, 0.9, 2, 0, 1.0, 0.0, False, 1.0, lambda: cells, lambda issued: [place]), seen)
    covered = told.coverage
    assert covered.shape == cells.shape
    assert np.nanmean(covered[:, 12:]) > np.nanmean(covered[:, :8])
    (moved,) = told.placements((SIDE, SIDE))
    middle = cv2.perspectiveTransform(np.array([[[0.0, 0.0]]]), tilt.matrix)[0, 0] * SIDE / 2 + SIDE / 2 - 0.5
    assert moved @ [0.5, 0.5, 1] == pytest.approx(middle, abs=0.01)
