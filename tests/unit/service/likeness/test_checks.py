import contextlib
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from detectors import Face, Templates
from models import ModelFault
from service.installation import Installation
from service.kit.errors import FaceModelChanged, LikenessHeld, LikenessRefused
from service.likeness.checks import Likeness
from service.likeness.excluded_faces import ExcludedFaces
from service.likeness.policy import LikenessLimits
from service.likeness.policy import likeness as decide
from tests.support.people import ANN, BOB, ByColour, enrolled, portrait

NEAR_ANN = (250, 110, 0)  # .44 away: more than strict, less than the review distance


@pytest.fixture
def likeness(installation: Installation) -> Likeness:
    return Likeness(installation.consent, ByColour, 0.5, "default")


def test_without_anybody_to_protect_the_model_is_not_even_opened(installation: Installation) -> None:
    def broken() -> ByColour:
        raise ModelFault("must not be opened")

    assert Likeness(installation.consent, broken, 0.5, "default").check_output(portrait(ANN), ()) == ()


def test_a_protected_face_refuses(likeness: Likeness) -> None:
    ann = enrolled(likeness.consent)
    with pytest.raises(LikenessRefused, match="a protected person") as refused:
        likeness.check_output(portrait(ANN), ())
    assert refused.value.subject == ann.subject
    assert ann.subject not in refused.value.message


def test_a_face_that_may_be_one_is_held(likeness: Likeness) -> None:
    ann = enrolled(likeness.consent)
    with pytest.raises(LikenessHeld, match="may show") as held:
        likeness.check_output(portrait(NEAR_ANN), ())
    assert held.value.subject == ann.subject


def test_who_was_looked_at_is_not_held_again_and_everybody_else_is(likeness: Likeness) -> None:
    ann = enrolled(likeness.consent)
    assert likeness.check_output(portrait(NEAR_ANN), (), reviewed={ann.subject}) == ()
    with pytest.raises(LikenessHeld):
        likeness.check_output(portrait(NEAR_ANN), (), reviewed={"S-0000-0000-0000-0000"})
    with pytest.raises(LikenessRefused):
        likeness.check_output(portrait(ANN), (), reviewed={ann.subject})


class Group(ByColour):
    """Finds the faces of `colours` in every picture."""

    def __init__(self, *colours: tuple[int, int, int]) -> None:
        super().__init__()
        self.colours = colours

    def __call__(self, rgb: NDArray[np.uint8]) -> list[Face]:
        return [face for colour in self.colours for face in super(Group, self).__call__(portrait(colour))]


def test_a_group_is_held_for_each_it_may_show(installation: Installation) -> None:
    ann, bob = enrolled(installation.consent), enrolled(installation.consent, BOB)
    group = Likeness(installation.consent, lambda: Group(NEAR_ANN, (0, 110, 250), NEAR_ANN), 0.5, "default")
    with pytest.raises(LikenessHeld) as held:
        group.check_output(portrait(ANN), ())
    assert held.value.subjects == (ann.subject, bob.subject)
    with pytest.raises(LikenessHeld) as held:
        group.check_output(portrait(ANN), (), reviewed={ann.subject})
    assert held.value.subjects == (bob.subject,)
    assert group.check_output(portrait(ANN), (), reviewed={ann.subject, bob.subject}) == ()


@pytest.mark.parametrize("colours", [(NEAR_ANN, BOB), (BOB, NEAR_ANN)])
def test_a_sure_hit_beside_a_doubtful_one_refuses(
    installation: Installation, colours: tuple[tuple[int, int, int], ...]
) -> None:
    enrolled(installation.consent)
    bob = enrolled(installation.consent, BOB)
    with pytest.raises(LikenessRefused) as refused:
        Likeness(installation.consent, lambda: Group(*colours), 0.5, "default").check_output(portrait(ANN), ())
    assert refused.value.subject == bob.subject


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.floats(0, 1), st.floats(0, 1))
def test_the_wider_review_zone_counts(installation: Installation, setting: float, at_least: float) -> None:
    if not installation.consent.faces.anybody():
        enrolled(installation.consent)
    likeness = Likeness(installation.consent, ByColour, setting, "default")
    if max(setting, at_least) >= 0.4401:  # NEAR_ANN is .44 away
        with pytest.raises(LikenessHeld):
            likeness.check_output(portrait(NEAR_ANN), (), at_least)
    elif max(setting, at_least) < 0.4399:
        assert likeness.check_output(portrait(NEAR_ANN), (), at_least) == ()


def test_without_a_review_zone_only_sure_hits_refuse(installation: Installation) -> None:
    strict = Likeness(installation.consent, ByColour, 0.0, "default")
    enrolled(installation.consent)
    assert strict.check_output(portrait(NEAR_ANN), ()) == ()
    with pytest.raises(LikenessRefused):
        strict.check_output(portrait(ANN), ())


def test_a_granted_face_passes_and_is_evidence(likeness: Likeness) -> None:
    ann = enrolled(likeness.consent)
    (found,) = likeness.check_output(portrait(ANN), {ann.subject})
    assert (found.detector, found.label, found.model) == ("likeness", ann.subject, "by-colour@1")
    assert found.score > 0.9


def test_a_grant_of_one_does_not_cover_another(likeness: Likeness) -> None:
    ann, bob = enrolled(likeness.consent), enrolled(likeness.consent, BOB)
    with pytest.raises(LikenessRefused) as refused:
        likeness.check_output(portrait(BOB), {ann.subject})
    assert refused.value.subject == bob.subject


def test_strangers_and_pictures_without_faces_pass(likeness: Likeness) -> None:
    enrolled(likeness.consent)
    assert likeness.check_output(portrait(BOB), ()) == ()
    assert likeness.check_output(portrait((128, 128, 128)), ()) == ()


def test_templates_of_another_model_close_the_gate(likeness: Likeness, installation: Installation) -> None:
    assert likeness.warning() is None
    ann = installation.consent.subjects.enrol("x", [house_template()], "d" * 64).subject
    with pytest.raises(FaceModelChanged, match="1 person was enrolled with a different face model than by-colour@1"):
        likeness.check_output(portrait(BOB), ())
    assert likeness.outdated() == [ann]
    assert str(likeness.warning()).startswith("1 person was")
    installation.consent.subjects.re_enrol(ann, [house_template()], ByColour.digest, keep_others=True)
    assert likeness.check_output(portrait(BOB), ()) == ()
    assert (likeness.outdated(), likeness.warning()) == ([], None)


def test_a_granted_face_that_cannot_be_compared_is_not_called_uncovered(
    likeness: Likeness, installation: Installation
) -> None:
    ann = installation.consent.subjects.enrol("x", [house_template()], "d" * 64, protected=False).subject
    for check in (likeness.check_input, likeness.uncovered):
        with pytest.raises(FaceModelChanged):
            check(portrait(ANN), [ann])
    assert likeness.check_input(portrait((128, 128, 128)), [ann]) == 0


def test_the_score_of_a_likeness_is_in_units_of_the_models_threshold(installation: Installation) -> None:
    class Wide(ByColour):
        threshold, review_distance = 1.1, 0.9

    ann = enrolled(installation.consent).subject
    found = [
        Likeness(installation.consent, model, 0.5, "default").check_output(portrait(NEAR_ANN), {ann})[0].score
        for model in (ByColour, Wide)
    ]
    assert found == [pytest.approx(1 - 0.44, abs=1e-3), pytest.approx(1 - 0.22, abs=1e-3)]


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_turned_face_is_the_same_face(likeness: Likeness, turns: int) -> None:
    ann, turned = enrolled(likeness.consent), np.rot90(portrait(ANN), turns)
    with pytest.raises(LikenessRefused):
        likeness.check_output(turned, ())
    with pytest.raises(LikenessHeld):
        likeness.check_output(np.rot90(portrait(NEAR_ANN), turns), ())
    assert len(likeness.check_output(turned, {ann.subject})) == 1
    with pytest.raises(LikenessRefused, match="1 of 1 faces"):
        likeness.check_input(turned, ())
    assert likeness.check_input(turned, {ann.subject}) == 1
    assert likeness.uncovered(turned, [ann.subject]) == (1, [])


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_turned_face_from_the_samples_is_the_same_face(likeness: Likeness, turns: int) -> None:
    excluded = ExcludedFaces("style", ByColour.digest, Templates(house_template()[None]))
    with pytest.raises(LikenessRefused):
        likeness.check_excluded(np.rot90(portrait(ANN), turns), [excluded])
    likeness.check_excluded(np.rot90(portrait(BOB), turns), [excluded])


def test_a_granted_face_beside_a_turned_one_does_not_cover_it(likeness: Likeness) -> None:
    ann, both = enrolled(likeness.consent), portrait(ANN)
    both[-16:, -16:] = BOB
    with pytest.raises(LikenessRefused, match="1 of 2 faces"):
        likeness.check_input(both, {ann.subject})


class Counting(ByColour):
    """Counts how often it is asked."""

    asked = 0

    def __call__(self, rgb: NDArray[np.uint8]) -> list[Face]:
        Counting.asked += 1
        return super().__call__(rgb)


def test_turns_that_cannot_change_the_answer_are_not_searched(installation: Installation) -> None:
    likeness = Likeness(installation.consent, Counting, 0.5, "default")

    def asked(check: Callable[[], object]) -> int:
        Counting.asked = 0
        with contextlib.suppress(LikenessRefused):
            check()
        return Counting.asked

    assert asked(lambda: likeness.check_output(portrait(ANN), ())) == 0  # nobody is protected
    assert asked(lambda: likeness.check_input(portrait(ANN), ())) == 1  # no grant: one face decides
    ann = enrolled(installation.consent)
    assert asked(lambda: likeness.check_output(portrait(ANN), ())) == 1  # refused at the first turn
    assert asked(lambda: likeness.check_output(portrait(BOB), ())) == 4
    assert asked(lambda: likeness.check_input(portrait(ANN), {ann.subject})) == 4


def test_a_failing_model_is_no_pass(installation: Installation) -> None:
    class Broken(ByColour):
        def __call__(self, rgb: NDArray[np.uint8]) -> list[Face]:
            raise ModelFault("no answer")

    enrolled(installation.consent)
    with pytest.raises(ModelFault):
        Likeness(installation.consent, Broken, 0.5, "default").check_output(portrait(BOB), ())


def test_faces_that_belong_to_nobody_named(likeness: Likeness) -> None:
    ann = enrolled(likeness.consent, protected=False)
    assert likeness.uncovered(portrait(ANN), [ann.subject]) == (1, [])
    assert len(likeness.uncovered(portrait(BOB), [ann.subject])[1]) == 1
    assert len(likeness.uncovered(portrait(ANN), [])[1]) == 1
    assert likeness.uncovered(portrait((128, 128, 128)), []) == (0, [])


@given(st.dictionaries(st.sampled_from("abcd"), st.floats(0, 0.5), min_size=1), st.sets(st.sampled_from("abcd")))
def test_a_face_passes_only_if_its_nearest_subject_is_granted(near: dict[str, float], granted: set[str]) -> None:
    found = decide(near, granted, LikenessLimits(refuse=0.4, review=0.5))
    nearest = min(near.values())
    passes = any(near[subject] == nearest for subject in granted & set(near))
    if found.refused is None and found.held is None:
        assert passes
    if found.refused:
        assert near[found.refused] <= 0.4
        assert found.refused not in granted
    if found.held:
        assert near[found.held] > 0.4
        assert found.held not in granted


def house_template() -> NDArray[np.float32]:
    from tests.support.people import likeness as of

    return of(ANN)


def test_who_did_not_grant_it_is_not_named_to_the_caller(likeness: Likeness) -> None:
    ann, bob = enrolled(likeness.consent), enrolled(likeness.consent, (250, 90, 0))
    found = likeness.check_output(portrait(ANN), {ann.subject})
    assert {finding.label for finding in found} == {ann.subject}
    assert bob.subject != ann.subject
