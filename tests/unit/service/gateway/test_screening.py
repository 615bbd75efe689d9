import numpy as np
import pytest

from service.gateway.screening import Measure, Screening
from service.installation import House
from service.kit.errors import Blocked, LikenessRefused, StageFailed, Unsafe
from service.likeness.checks import Likeness
from service.media.pictures import Limits, Picture, decode, encode
from service.moderation.hash_lists import Listed
from tests.support.painter import Checker, finding
from tests.support.people import ANN, BOB, ByColour, enrolled, portrait

NOBODY = Measure((), 0.5)
GREY = portrait((128, 128, 128))


def screening(house: House, checker: Checker | None = None, model: object = ByColour) -> Screening:
    likeness = Likeness(house.consent, model, 0.5, "default")  # type: ignore[arg-type]
    return Screening([checker or Checker()], house.blocklist, likeness, 5)


def sent(rgb: np.ndarray) -> Picture:
    return decode(encode(rgb, "png")[0], Limits(1 << 20, 1 << 20))


def test_without_checkers_there_is_no_screening(house: House) -> None:
    with pytest.raises(ValueError, match="at least one"):
        Screening([], house.blocklist, house.likeness, 5)


def test_a_picture_without_faces_may_come_in(house: House) -> None:
    screening(house).sent_in([sent(GREY)], [], NOBODY)


def test_a_face_needs_a_grant_even_of_somebody_nobody_enrolled(house: House) -> None:
    with pytest.raises(LikenessRefused, match="1 of the 1 faces") as refused:
        screening(house).sent_in([sent(portrait(ANN))], [], NOBODY)
    assert refused.value.stage == "admit"


def test_a_granted_face_may_come_in_and_another_may_not(house: House) -> None:
    ann = enrolled(house.consent)
    measure = Measure({ann.subject}, 0.5)
    screening(house).sent_in([sent(portrait(ANN))], [], measure)
    with pytest.raises(LikenessRefused):
        screening(house).sent_in([sent(portrait(BOB))], [], measure)


def test_an_unsafe_picture_may_not_come_in(house: House) -> None:
    checker = Checker(lambda images: [finding(0.7) for _ in images])
    with pytest.raises(Unsafe, match="sent in") as refused:
        screening(house, checker).sent_in([sent(GREY)], [], NOBODY)
    assert refused.value.stage == "admit"
    screening(house, checker).sent_in([sent(GREY)], [], Measure((), 0.9))


def test_a_listed_file_may_not_come_in(house: House) -> None:
    picture = sent(GREY)
    house.blocklist.add([Listed("sha256", picture.sha256, "")], "list", "test")
    with pytest.raises(Blocked):
        screening(house).sent_in([picture], [], NOBODY)


def test_a_checker_without_an_answer_refuses(house: House) -> None:
    with pytest.raises(StageFailed, match="scripted gave no usable answer"):
        screening(house, Checker(lambda images: [])).sent_in([sent(GREY)], [], NOBODY)


def test_without_a_face_model_nothing_comes_in(house: House) -> None:
    def missing() -> ByColour:
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        screening(house, model=missing).sent_in([sent(GREY)], [], NOBODY)
