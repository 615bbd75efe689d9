import numpy as np
import pytest
from numpy.typing import NDArray

from detectors import Face
from detectors.faces.canary import BEARDED, LIGHT, draw, self_test
from models import ModelFault
from tests.support.faces import ByColour, face


class Answers(ByColour):
    """Gives these answers, one a call."""

    def __init__(self, *answers: list[Face]) -> None:
        self.answers = iter(answers)

    def __call__(self, rgb: NDArray[np.uint8]) -> list[Face]:
        return next(self.answers)


def test_a_model_that_works_passes() -> None:
    self_test(Answers([], [face(0, 0)], [face(0, 0.1)], [face(0.6, 0)]))


@pytest.mark.parametrize(
    "answers",
    [
        ([face(0)],),  # sees faces everywhere
        ([], []),  # blind
        ([], [face(0), face(1)]),  # sees double
        ([], [face(0)], [face(0)], [face(0)]),  # stuck
        ([], [face(0)], [face(0.6)], [face(0.6)]),  # noise
    ],
)
def test_a_model_that_does_not_work_is_refused(answers: tuple[list[Face], ...]) -> None:
    with pytest.raises(ModelFault, match="must not be used"):
        self_test(Answers(*answers))


def test_the_drawings_do_not_change() -> None:
    for drawing, total in ((LIGHT, 28843993), (BEARDED, 22530142)):
        picture = draw(drawing)
        assert picture.shape == (256, 256, 3)
        assert picture.dtype == np.uint8
        assert int(picture.sum()) == pytest.approx(total, rel=1e-3)
