import numpy as np
import pytest

from models import ModelFault
from service.installation import Installation
from service.kit.errors import BadRequest, NotFound, NotLive, Unavailable
from service.likeness.enrolment import enrol, enrol_self, re_enrol
from service.likeness.liveness import Challenge
from service.likeness.schemas import Enrolled
from service.media.pictures import ImageLimits, encode
from tests.support.people import ANN, BOB, TURNS, ByColour, OtherModel, Posing, granted, portrait, posed

LIMITS = ImageLimits(1 << 22, 1 << 22)


def photo(colour: tuple[int, int, int]) -> bytes:
    return encode(portrait(colour), "png")[0]


def test_photos_become_templates_and_are_not_kept(installation: Installation) -> None:
    done = enrol(installation.consent, ByColour(), LIMITS, "Ann", [photo(ANN), photo((240, 20, 0))])
    assert (done.templates, done.protected) == (2, True)
    assert len(done.pin) == len("7Q2M-0KXA-9F3C")


@pytest.mark.parametrize(
    ("photos", "why"),
    [
        ([], "0 photos"),
        ([photo(ANN)] * 21, "21 photos"),
        ([photo(ANN), b"no picture"], "photo 2"),
        ([photo((128, 128, 128))], "photo 1: no face"),
        ([photo(ANN), photo(BOB)], "photo 2 seems to show a different person"),
    ],
)
def test_photos_that_cannot_be_used_are_named(installation: Installation, photos: list[bytes], why: str) -> None:
    with pytest.raises(BadRequest, match=why):
        enrol(installation.consent, ByColour(), LIMITS, "Ann", photos)
    assert installation.consent.subjects.everybody() == []


@pytest.mark.parametrize(("size", "sharpness", "why"), [(79, 50, "79 px"), (200, 3, "blurred")])
def test_faces_that_are_too_poor_are_refused(installation: Installation, size: int, sharpness: float, why: str) -> None:
    model = ByColour()
    model.size, model.sharpness = size, sharpness
    with pytest.raises(BadRequest, match=why):
        enrol(installation.consent, model, LIMITS, "Ann", [photo(ANN)])


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_turned_photo_is_as_good(installation: Installation, turns: int) -> None:
    turned = encode(np.ascontiguousarray(np.rot90(portrait(ANN), turns)), "png")[0]
    done = enrol(installation.consent, ByColour(), LIMITS, "Ann", [photo(ANN), turned])
    (template, other) = installation.consent.faces.templates_of(done.subject, ByColour.digest).rows
    assert np.allclose(template, other)


def test_a_turned_face_beside_the_person_is_one_too_many(installation: Installation) -> None:
    both = portrait(ANN)
    both[-16:, -16:] = BOB
    with pytest.raises(BadRequest, match="2 faces"):
        enrol(installation.consent, ByColour(), LIMITS, "Ann", [encode(both, "png")[0]])


def test_two_faces_on_a_photo_are_one_too_many(installation: Installation) -> None:
    class Double(ByColour):
        def __call__(self, rgb: np.ndarray) -> list:  # type: ignore[type-arg]
            return super().__call__(rgb) * 2

    with pytest.raises(BadRequest, match="2 faces"):
        enrol(installation.consent, Double(), LIMITS, "Ann", [photo(ANN)])


def test_a_failing_model_enrols_nobody(installation: Installation) -> None:
    class Broken(ByColour):
        def __call__(self, rgb: np.ndarray) -> list:  # type: ignore[type-arg]
            raise ModelFault("no answer")

    with pytest.raises(Unavailable):
        enrol(installation.consent, Broken(), LIMITS, "Ann", [photo(ANN)])


def answer(challenge: Challenge, **changes: object) -> list[bytes]:
    photos = (posed(TURNS[wanted], seed, **changes) for seed, wanted in enumerate(challenge.poses))  # type: ignore[arg-type]
    return [encode(photo, "png")[0] for photo in photos]


def by_oneself(installation: Installation, challenge: Challenge, photos: list[bytes], name: str = "Ann") -> Enrolled:
    return enrol_self(installation.consent, installation.liveness, Posing(), LIMITS, challenge.id, name, photos)


def test_who_answers_the_challenge_is_enrolled_and_protected(installation: Installation) -> None:
    challenge = installation.liveness.challenge()
    done = by_oneself(installation, challenge, answer(challenge))
    assert (done.templates, done.protected) == (4, True)
    installation.consent.subjects.check_pin(done.subject, done.pin)
    with pytest.raises(NotLive, match="answered before"):
        by_oneself(installation, challenge, answer(challenge))
    assert len(installation.consent.subjects.everybody()) == 1


def test_another_person_in_between_is_refused(installation: Installation) -> None:
    challenge = installation.liveness.challenge()
    photos = [*answer(challenge)[:3], answer(challenge, colour=BOB)[3]]
    with pytest.raises(BadRequest, match="photo 4 seems to show a different person"):
        by_oneself(installation, challenge, photos)
    with pytest.raises(NotLive):  # it was an attempt
        by_oneself(installation, challenge, answer(challenge))
    assert installation.consent.subjects.everybody() == []


def test_photos_in_another_order_enrol_nobody(installation: Installation) -> None:
    challenge = installation.liveness.challenge()
    first, second, *others = answer(challenge)
    with pytest.raises(NotLive, match="should look"):
        by_oneself(installation, challenge, [second, first, *others])
    assert installation.consent.subjects.everybody() == []


def test_a_mirrored_copy_is_found_however_it_is_turned(installation: Installation) -> None:
    challenge = installation.liveness.challenge()
    photos = [posed(TURNS[wanted], seed) for seed, wanted in enumerate(challenge.poses)]
    copy = posed(TURNS[challenge.poses[3]], 0, mirrored=True)  # of the first photo, for the last pose
    turned = [*photos[:3], np.ascontiguousarray(np.rot90(copy))]
    with pytest.raises(NotLive, match="photo 4 is photo 1 mirrored"):
        by_oneself(installation, challenge, [encode(one, "png")[0] for one in turned])


@pytest.mark.parametrize("count", [0, 3])
def test_too_few_photos_are_refused_before_they_are_looked_at(installation: Installation, count: int) -> None:
    challenge = installation.liveness.challenge()
    with pytest.raises(NotLive, match=f"{count} photos were sent"):
        by_oneself(installation, challenge, [b"no picture"] * count)


def test_a_face_model_that_tells_no_pose_enrols_nobody(installation: Installation) -> None:
    challenge = installation.liveness.challenge()
    with pytest.raises(NotLive, match="neither"):
        enrol_self(
            installation.consent, installation.liveness, ByColour(), LIMITS, challenge.id, "Ann", answer(challenge)
        )
    assert installation.consent.subjects.everybody() == []


def test_without_a_name_the_challenge_is_not_spent(installation: Installation) -> None:
    challenge = installation.liveness.challenge()
    with pytest.raises(BadRequest, match="a name"):
        by_oneself(installation, challenge, answer(challenge), name="")
    assert by_oneself(installation, challenge, answer(challenge))


def test_new_photos_replace_the_templates_and_nothing_else(installation: Installation) -> None:
    consent = installation.consent
    ann = enrol(consent, ByColour(), LIMITS, "Ann", [photo(ANN)])
    grant = granted(consent, ann.subject)
    assert re_enrol(consent, OtherModel(), LIMITS, ann.subject, [photo(ANN), photo((240, 20, 0))]) == 2
    assert len(consent.faces.templates_of(ann.subject, OtherModel.digest)) == 2
    assert len(consent.faces.templates_of(ann.subject, ByColour.digest)) == 0
    assert consent.subjects.name(ann.subject) == "Ann"
    consent.subjects.check_pin(ann.subject, ann.pin)
    assert consent.grants.of(grant).state == "live"


def test_templates_of_both_models_can_be_kept(installation: Installation) -> None:
    consent = installation.consent
    ann = enrol(consent, ByColour(), LIMITS, "Ann", [photo(ANN)]).subject
    for _ in range(2):  # once more replaces those of the same model alone
        re_enrol(consent, OtherModel(), LIMITS, ann, [photo(ANN)], keep_others=True)
    assert len(consent.faces.templates_of(ann, OtherModel.digest)) == 1
    assert consent.faces.without(ByColour.digest) == consent.faces.without(OtherModel.digest) == []


def test_photos_that_cannot_be_used_leave_the_templates(installation: Installation) -> None:
    consent = installation.consent
    ann = enrol(consent, ByColour(), LIMITS, "Ann", [photo(ANN)]).subject
    with pytest.raises(BadRequest, match="different person"):
        re_enrol(consent, OtherModel(), LIMITS, ann, [photo(ANN), photo(BOB)])
    assert len(consent.faces.templates_of(ann, ByColour.digest)) == 1


def test_who_is_erased_is_not_enrolled_again(installation: Installation) -> None:
    consent = installation.consent
    ann = enrol(consent, ByColour(), LIMITS, "Ann", [photo(ANN)]).subject
    consent.subjects.erase(ann)
    with pytest.raises(NotFound):
        re_enrol(consent, OtherModel(), LIMITS, ann, [b"not even read"])
