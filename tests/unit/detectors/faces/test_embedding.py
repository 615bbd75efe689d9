from types import SimpleNamespace

import numpy as np
import pytest

from detectors.faces.embedding import embed
from models import ModelFault

CHIP = np.zeros((150, 150, 3), np.uint8)


def network(answer: list[float]) -> SimpleNamespace:
    return SimpleNamespace(compute_face_descriptor=lambda chip: answer)


def test_an_embedding_is_128_numbers_that_nobody_changes() -> None:
    found = embed(network([0.5] * 128), CHIP)
    assert found.shape == (128,)
    assert found.dtype == np.float32
    assert not found.flags.writeable


@pytest.mark.parametrize("answer", [[0.5] * 127, [float("nan")] * 128, []])
def test_what_is_no_embedding_is_a_fault(answer: list[float]) -> None:
    with pytest.raises(ModelFault):
        embed(network(answer), CHIP)
