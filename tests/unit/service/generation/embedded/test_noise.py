import numpy as np
import pytest
import torch

from service.generation.embedded.noise import Noise


@pytest.mark.parametrize("seed", [0, 1, 7, 2**32 - 1, 2**33 + 5, 2**53 - 1])
def test_it_is_torchs(seed: int) -> None:
    theirs, ours = torch.Generator("cpu").manual_seed(seed), Noise(seed)
    for shape in ((1, 8, 32, 32), (2, 8)):
        found = ours.normal(*shape)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, torch.randn(shape, generator=theirs).numpy(), atol=1e-6)


def test_what_torch_draws_otherwise_is_an_error() -> None:
    with pytest.raises(ValueError, match="multiple of 16"):
        Noise(0).normal(3, 5)
