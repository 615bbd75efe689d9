import numpy as np
import pytest
from skimage import data as photos

from detectors import OpenNsfw
from detectors.safety import open_nsfw as safety
from detectors.safety.canary import canary
from models import ModelFault, Session


def test_its_canaries(open_nsfw: OpenNsfw) -> None:
    low, high = open_nsfw([canary(614), canary(876)])
    assert low.score < 0.1
    assert high.score > 0.9
    assert high.detector == "open_nsfw"
    assert high.digest == open_nsfw.card.digest


def test_ordinary_photos_pass(open_nsfw: OpenNsfw) -> None:
    for finding in open_nsfw([photos.astronaut(), photos.coffee(), photos.chelsea()]):
        assert finding.score < 0.2


def test_any_size_is_read(open_nsfw: OpenNsfw) -> None:
    sizes = [(1, 1), (3, 500), (2000, 10), (768, 1024)]
    assert len(open_nsfw([np.zeros((*size, 3), np.uint8) for size in sizes])) == 4


def test_no_images_is_no_answer(open_nsfw: OpenNsfw) -> None:
    with pytest.raises(ModelFault):
        open_nsfw([])


@pytest.mark.parametrize(
    "scores",
    [
        [[1.0, 0.0], [1.0, 0.0]],  # stuck at safe
        [[0.0, 1.0], [0.0, 1.0]],  # stuck at unsafe
        [[0.0, 1.0], [1.0, 0.0]],  # swapped
        [[0.5, 0.5], [0.5, 0.5]],  # blind
        [[1.0], [0.0]],  # one column
        [[2.0, -1.0], [0.0, 1.0]],  # no probabilities
    ],
)
def test_a_checker_that_does_not_work_is_not_opened(monkeypatch: pytest.MonkeyPatch, scores: list[list[float]]) -> None:
    monkeypatch.setattr(Session, "run", lambda self, batch: np.array(scores, np.float32))
    with pytest.raises(ModelFault):
        OpenNsfw()


def test_the_canaries_do_not_change() -> None:
    sums = [int(canary(seed).sum()) for seed, _, _ in safety._CANARIES]
    assert sums == pytest.approx([15816438, 21839118], rel=1e-4)
