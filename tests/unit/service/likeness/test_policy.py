import pytest

from service.likeness.policy import LikenessDecision, LikenessLimits, likeness

LIMITS = LikenessLimits(refuse=0.4, review=0.5)


@pytest.mark.parametrize(
    ("near", "granted", "decision"),
    [
        ({}, set(), LikenessDecision()),
        ({"ann": 0.3}, set(), LikenessDecision(refused="ann")),
        ({"ann": 0.4}, set(), LikenessDecision(refused="ann")),
        ({"ann": 0.41}, set(), LikenessDecision(held="ann")),
        ({"ann": 0.3}, {"ann"}, LikenessDecision()),
        ({"ann": 0.3, "bob": 0.2}, {"ann"}, LikenessDecision(refused="bob")),
        ({"ann": 0.3, "bob": 0.2}, {"bob"}, LikenessDecision()),
        ({"bob": 0.3, "ann": 0.3}, set(), LikenessDecision(refused="ann")),
    ],
)
def test_a_face_is_its_nearest_subjects(near: dict[str, float], granted: set[str], decision: LikenessDecision) -> None:
    assert likeness(near, granted, LIMITS) == decision


def test_a_search_goes_as_far_as_either_limit() -> None:
    assert LIMITS.furthest == 0.5
    assert LikenessLimits(refuse=0.6, review=0.5).furthest == 0.6
