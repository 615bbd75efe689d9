import numpy as np
import pytest

from service.gateway.screening import Screening, ScreeningCriteria
from service.installation import Installation
from service.kit.errors import Blocked, LikenessRefused, StageFailed, Unsafe
from service.likeness.checks import Likeness
from service.media.pictures import ImageLimits, Picture, decode, encode
from service.moderation.hash_lists import Listed
from tests.support.painter import Checker, finding
from tests.support.people import ANN, BOB, ByColour, enrolled, portrait

NOBODY = ScreeningCriteria((), 0.5)
GREY = portrait((128, 128, 128))


def screening(installation: Installation, checker: Checker | None = None, model: object = ByColour) -> Screening:
    likeness = Likeness(installation.consent, model, 0.5, "default")  # type: ignore[arg-type]
    return Screening([checker or Checker()], installation.blocklist, likeness, 5)


def sent(rgb: np.ndarray) -> Picture:
    return decode(encode(rgb, "png")[0], ImageLimits(1 << 20, 1 << 20))


def test_without_checkers_there_is_no_screening(installation: Installation) -> None:
    with pytest.raises(ValueError, match="at least one"):
        Screening([], installation.blocklist, installation.likeness, 5)


def test_a_picture_without_faces_may_come_in(installation: Installation) -> None:
    screening(installation).inputs([sent(GREY)], [], NOBODY)


def test_a_face_needs_a_grant_even_of_somebody_nobody_enrolled(installation: Installation) -> None:
    with pytest.raises(LikenessRefused, match="1 of 1 faces") as refused:
        screening(installation).inputs([sent(portrait(ANN))], [], NOBODY)
    assert refused.value.stage == "admit"


def test_a_granted_face_may_come_in_and_another_may_not(installation: Installation) -> None:
    ann = enrolled(installation.consent)
    criteria = ScreeningCriteria({ann.subject}, 0.5)
    screening(installation).inputs([sent(portrait(ANN))], [], criteria)
    with pytest.raises(LikenessRefused):
        screening(installation).inputs([sent(portrait(BOB))], [], criteria)


def test_an_unsafe_picture_may_not_come_in(installation: Installation) -> None:
    checker = Checker(lambda images: [finding(0.7) for _ in images])
    with pytest.raises(Unsafe, match="the input image") as refused:
        screening(installation, checker).inputs([sent(GREY)], [], NOBODY)
    assert refused.value.stage == "admit"
    screening(installation, checker).inputs([sent(GREY)], [], ScreeningCriteria((), 0.9))


def test_a_listed_file_may_not_come_in(installation: Installation) -> None:
    picture = sent(GREY)
    installation.blocklist.add([Listed("sha256", picture.sha256, "")], "list", "test")
    with pytest.raises(Blocked):
        screening(installation).inputs([picture], [], NOBODY)


def test_a_checker_without_an_answer_refuses(installation: Installation) -> None:
    with pytest.raises(StageFailed, match="scripted gave no usable answer"):
        screening(installation, Checker(lambda images: [])).inputs([sent(GREY)], [], NOBODY)


def test_without_a_face_model_nothing_comes_in(installation: Installation) -> None:
    def missing() -> ByColour:
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        screening(installation, model=missing).inputs([sent(GREY)], [], NOBODY)
