import numpy as np
import pytest

from watermark.tile.poses import AS_ISSUED, STAGES, STEP, linear_maps, same

STRAIGHT = np.zeros(4)


def pose(scale: float = 1, turn: float = 0, stretch: float = 1, mirrored: bool = False) -> np.ndarray:
    return np.array([np.log(scale), turn, np.log(stretch), float(mirrored)])


def test_an_image_as_issued_maps_frequencies_to_themselves() -> None:
    (found,) = linear_maps(STRAIGHT[None])
    assert found == pytest.approx(np.eye(2))


def test_a_larger_image_has_lower_frequencies() -> None:
    (found,) = linear_maps(pose(scale=2)[None])
    assert found == pytest.approx(np.eye(2) / 2)


@pytest.mark.parametrize("mirrored", [False, True])
def test_turns_keep_lengths_and_mirrors_turn_the_area_over(mirrored: bool) -> None:
    (found,) = linear_maps(pose(turn=0.3, mirrored=mirrored)[None])
    assert found @ found.T == pytest.approx(np.eye(2))
    assert np.linalg.det(found) == pytest.approx(-1 if mirrored else 1)


def test_a_stretch_keeps_the_area() -> None:
    (found,) = linear_maps(pose(stretch=1.2)[None])
    assert np.linalg.det(found) == pytest.approx(1)
    assert found[0, 0] / found[1, 1] == pytest.approx(1.2)


def test_poses_are_the_same_up_to_the_accuracy_of_the_search_and_over_a_full_turn() -> None:
    assert same(STRAIGHT, pose(scale=1.01, turn=2 * np.pi - 0.01))
    assert not same(STRAIGHT, pose(scale=1.03))
    assert not same(STRAIGHT, pose(mirrored=True))


def test_every_hypothesis_is_finite_and_mirrored_or_not() -> None:
    assert any(same(STRAIGHT, one) for one in AS_ISSUED)
    for stage in STAGES:
        assert stage.shape[1] == 4
        assert np.isfinite(stage).all()
        assert set(np.unique(stage[:, 3])) <= {0.0, 1.0}


def test_quarter_turns_and_mirrors_are_tried_at_every_scale() -> None:
    upright = STAGES[0]
    for turn in np.arange(4) * np.pi / 2:
        for mirrored in (0.0, 1.0):
            tried = upright[(upright[:, 1] == turn) & (upright[:, 3] == mirrored) & (upright[:, 2] == 0)]
            assert np.diff(np.exp(-np.sort(tried[:, 0]))).min() >= -2 * STEP
            assert len(tried) > 20
