import numpy as np
import pytest

from models import ModelFault
from service.installation import House
from service.kit.errors import BadRequest, NotLive, Unavailable
from service.likeness.enrolment import enrol, enrol_self
from service.likeness.liveness import Challenge
from service.likeness.schemas import Enrolled
from service.media.pictures import Limits, encode
from tests.support.people import ANN, BOB, TURNS, ByColour, Posing, portrait, posed

LIMITS = Limits(1 << 22, 1 << 22)


def photo(colour: tuple[int, int, int]) -> bytes:
    return encode(portrait(colour), "png")[0]


def test_photos_become_templates_and_are_not_kept(house: House) -> None:
    done = enrol(house.consent, ByColour(), LIMITS, "Ann", [photo(ANN), photo((240, 20, 0))])
    assert (done.templates, done.protected) == (2, True)
    assert len(done.pin) == 8


@pytest.mark.parametrize(
    ("photos", "why"),
    [
        ([], "0 photos"),
        ([photo(ANN)] * 21, "21 photos"),
        ([photo(ANN), b"no picture"], "photo 2"),
        ([photo((128, 128, 128))], "photo 1: no face"),
        ([photo(ANN), photo(BOB)], "photo 2 seems to show another person"),
    ],
)
def test_photos_that_cannot_be_used_are_named(house: House, photos: list[bytes], why: str) -> None:
    with pytest.raises(BadRequest, match=why):
        enrol(house.consent, ByColour(), LIMITS, "Ann", photos)
    assert house.consent.subjects.everybody() == []


@pytest.mark.parametrize(("size", "sharpness", "why"), [(79, 50, "79 px"), (200, 3, "blurred")])
def test_faces_that_are_too_poor_are_refused(house: House, size: int, sharpness: float, why: str) -> None:
    model = ByColour()
    model.size, model.sharpness = size, sharpness
    with pytest.raises(BadRequest, match=why):
        enrol(house.consent, model, LIMITS, "Ann", [photo(ANN)])


def test_two_faces_on_a_photo_are_one_too_many(house: House) -> None:
    class Double(ByColour):
        def __call__(self, rgb: np.ndarray) -> list:  # type: ignore[type-arg]
            return super().__call__(rgb) * 2

    with pytest.raises(BadRequest, match="2 faces"):
        enrol(house.consent, Double(), LIMITS, "Ann", [photo(ANN)])


def test_a_failing_model_enrols_nobody(house: House) -> None:
    class Broken(ByColour):
        def __call__(self, rgb: np.ndarray) -> list:  # type: ignore[type-arg]
            raise ModelFault("no answer")

    with pytest.raises(Unavailable):
        enrol(house.consent, Broken(), LIMITS, "Ann", [photo(ANN)])


def answer(challenge: Challenge, **changes: object) -> list[bytes]:
    photos = (posed(TURNS[wanted], seed, **changes) for seed, wanted in enumerate(challenge.poses))  # type: ignore[arg-type]
    return [encode(photo, "png")[0] for photo in photos]


def by_oneself(house: House, challenge: Challenge, photos: list[bytes], name: str = "Ann") -> Enrolled:
    return enrol_self(house.consent, house.liveness, Posing(), LIMITS, challenge.id, name, photos)


def test_who_answers_the_challenge_is_enrolled_and_protected(house: House) -> None:
    challenge = house.liveness.challenge()
    done = by_oneself(house, challenge, answer(challenge))
    assert (done.templates, done.protected) == (4, True)
    house.consent.subjects.check_pin(done.subject, done.pin)
    with pytest.raises(NotLive, match="answered before"):
        by_oneself(house, challenge, answer(challenge))
    assert len(house.consent.subjects.everybody()) == 1


def test_another_person_in_between_is_refused(house: House) -> None:
    challenge = house.liveness.challenge()
    photos = [*answer(challenge)[:3], answer(challenge, colour=BOB)[3]]
    with pytest.raises(BadRequest, match="photo 4 seems to show another person"):
        by_oneself(house, challenge, photos)
    with pytest.raises(NotLive):  # it was an attempt
        by_oneself(house, challenge, answer(challenge))
    assert house.consent.subjects.everybody() == []


def test_photos_in_another_order_enrol_nobody(house: House) -> None:
    challenge = house.liveness.challenge()
    first, second, *others = answer(challenge)
    with pytest.raises(NotLive, match="should look"):
        by_oneself(house, challenge, [second, first, *others])
    assert house.consent.subjects.everybody() == []


@pytest.mark.parametrize("count", [0, 3])
def test_too_few_photos_are_refused_before_they_are_looked_at(house: House, count: int) -> None:
    challenge = house.liveness.challenge()
    with pytest.raises(NotLive, match=f"{count} photos came"):
        by_oneself(house, challenge, [b"no picture"] * count)


def test_a_face_model_that_tells_no_pose_enrols_nobody(house: House) -> None:
    challenge = house.liveness.challenge()
    with pytest.raises(NotLive, match="neither"):
        enrol_self(house.consent, house.liveness, ByColour(), LIMITS, challenge.id, "Ann", answer(challenge))
    assert house.consent.subjects.everybody() == []


def test_without_a_name_the_challenge_is_not_spent(house: House) -> None:
    challenge = house.liveness.challenge()
    with pytest.raises(BadRequest, match="a name"):
        by_oneself(house, challenge, answer(challenge), name="")
    assert by_oneself(house, challenge, answer(challenge))
