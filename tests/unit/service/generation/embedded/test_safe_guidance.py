"""The arithmetic of Safe Latent Diffusion, against torch's."""

import numpy as np
import pytest
import torch

from service.generation.diffusers.safe_guidance import _Steering
from service.generation.embedded.safe_guidance import SafeGuidance
from service.generation.safe_latent_diffusion import STRENGTHS, Strength

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize("strength", STRENGTHS)
def test_every_step_is_that_of_torch(strength: Strength) -> None:
    steps = 10
    ours = SafeGuidance(strength, steps)
    theirs = _Steering(torch.zeros(1, 1, 1), strength, int(strength.warm_up * steps))
    changed = False
    for _ in range(steps):
        three = RANDOM.normal(scale=0.05, size=(3, 2, 4, 4)).astype(np.float32)
        states = torch.zeros(2, 1, 1)
        (expected,) = theirs(lambda *_, **__: (torch.from_numpy(three),), torch.zeros(2, 2, 4, 4), 1, states, {})  # noqa: B023
        found = ours(three[:1], three[1:2], three[2:])
        np.testing.assert_allclose(found, expected[1:].numpy(), atol=1e-5)
        changed |= not np.array_equal(found, three[1:2])
    assert changed


def test_during_the_warm_up_nothing_changes() -> None:
    guidance = SafeGuidance(STRENGTHS[0], 10)
    plain, prompted, unsafe = RANDOM.normal(size=(3, 1, 2, 4, 4)).astype(np.float32)
    first, second, third = (guidance(plain, prompted, unsafe) for _ in range(3))
    assert np.array_equal(first, prompted)
    assert np.array_equal(second, prompted)
    assert not np.array_equal(third, prompted)
