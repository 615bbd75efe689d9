"""The arithmetic of a head's turn, on landmarks that were never on a face."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from detectors.faces.pose import TIP, turn, turn_of_tip

offsets = st.floats(-1, 1)
angles = st.floats(-math.pi, math.pi)
places = st.tuples(st.floats(-1000, 1000), st.floats(-1000, 1000))
scales = st.floats(1, 1000)
MIRRORED = [2, 3, 0, 1, 4]
"""In the mirror the eye on the picture's left is the one on its right."""


def landmarks(offset: float, drop: float = 0.6) -> NDArray[np.float64]:
    """Eyes one unit apart, the nose `offset` to the right of their middle and `drop` below."""
    return np.array([(0.7, 0), (0.3, 0), (-0.7, 0), (-0.3, 0), (offset, drop)], np.float64)


@given(offsets, st.floats(-2, 2))
def test_it_is_where_the_nose_lies_between_the_eyes(offset: float, drop: float) -> None:
    assert turn(landmarks(offset, drop)) == pytest.approx(offset, abs=1e-12)


@given(offsets, angles, scales, places)
def test_roll_size_and_place_change_nothing(
    offset: float, angle: float, scale: float, place: tuple[float, float]
) -> None:
    roll = np.array([(math.cos(angle), -math.sin(angle)), (math.sin(angle), math.cos(angle))])
    moved = scale * landmarks(offset) @ roll.T + place
    assert turn(moved) == pytest.approx(offset, abs=1e-9)


@given(offsets, angles)
def test_the_mirror_changes_the_sign(offset: float, angle: float) -> None:
    roll = np.array([(math.cos(angle), -math.sin(angle)), (math.sin(angle), math.cos(angle))])
    rolled = landmarks(offset) @ roll.T
    mirrored = (rolled * (-1, 1))[MIRRORED]
    assert turn(mirrored) == pytest.approx(-turn(rolled), abs=1e-12)


@pytest.mark.parametrize("place", [0.0, math.nan])
def test_eyes_in_one_place_tell_nothing(place: float) -> None:
    assert math.isnan(turn(np.full((5, 2), place)))


@given(offsets, angles)
def test_the_tip_of_a_nose_tells_the_turn_of_its_base(offset: float, angle: float) -> None:
    roll = np.array([(math.cos(angle), -math.sin(angle)), (math.sin(angle), math.cos(angle))])
    five = np.array([(-0.5, 0), (0.5, 0), (offset, 0.6), (-0.3, 1), (0.3, 1)], np.float64)
    assert turn_of_tip(five @ roll.T) == pytest.approx(TIP * offset, abs=1e-9)
