import numpy as np
import pytest

from models import ModelFault
from service.enrolment import enrol
from service.errors import BadRequest, Unavailable
from service.house import House
from service.pictures import Limits, encode
from tests.support.people import ANN, BOB, ByColour, portrait

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
    assert house.consent.everybody() == []


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
