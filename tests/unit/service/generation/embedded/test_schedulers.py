import json
from typing import Any

import diffusers
import numpy as np
import pytest
import torch

from models import ModelFault, find_card
from service.generation.diffusers.loading import EMBEDDED
from service.generation.embedded.schedulers import SCHEDULERS, signal_levels
from service.generation.model_options import Scheduler

THEIRS = {"ddim": diffusers.DDIMScheduler, "dpmpp_2m": diffusers.DPMSolverMultistepScheduler}
CONFIG: dict[str, Any] = json.loads(find_card(EMBEDDED).read("scheduler/scheduler_config.json"))
RANDOM = np.random.default_rng(0)
SAMPLE, NOISE = (RANDOM.normal(size=(1, 2, 4, 4)).astype(np.float32) for _ in range(2))


def theirs(name: Scheduler, steps: int) -> Any:
    own = diffusers.DDIMScheduler.from_config(CONFIG)
    made = THEIRS[name].from_config(own.config)
    made.set_timesteps(steps)
    return made


@pytest.mark.parametrize("steps", [1, 2, 3, 7, 8, 20, 50])
@pytest.mark.parametrize("name", SCHEDULERS)
def test_every_step_is_that_of_diffusers(name: Scheduler, steps: int) -> None:
    expected, ours = theirs(name, steps), SCHEDULERS[name](signal_levels(CONFIG), steps)
    assert ours.timesteps.tolist() == expected.timesteps.tolist()
    sample, reference = SAMPLE, torch.from_numpy(SAMPLE)
    for index, timestep in enumerate(expected.timesteps):
        prediction = RANDOM.normal(size=SAMPLE.shape).astype(np.float32)
        sample = ours.step(prediction, index, sample)
        reference = expected.step(torch.from_numpy(prediction), timestep, reference, return_dict=False)[0]
        np.testing.assert_allclose(sample, reference.numpy(), atol=1e-5)
        assert sample.dtype == np.float32


@pytest.mark.parametrize("begin", [0, 3, 7])
@pytest.mark.parametrize("name", SCHEDULERS)
def test_noise_is_added_as_in_diffusers(name: Scheduler, begin: int) -> None:
    expected, ours = theirs(name, 8), SCHEDULERS[name](signal_levels(CONFIG), 8)
    noisy = expected.add_noise(torch.from_numpy(SAMPLE), torch.from_numpy(NOISE), expected.timesteps[begin : begin + 1])
    np.testing.assert_allclose(ours.add_noise(SAMPLE, NOISE, begin), noisy.numpy(), atol=1e-5)


@pytest.mark.parametrize("steps", [61, 103, 121])
def test_there_are_as_many_timesteps_as_steps(steps: int) -> None:
    """diffusers has one more, below 0, for some numbers."""
    for make in SCHEDULERS.values():
        timesteps = make(signal_levels(CONFIG), steps).timesteps
        assert len(timesteps) == steps
        assert timesteps.min() >= 0


@pytest.mark.parametrize(
    "other", [{"prediction_type": "epsilon"}, {"timestep_spacing": "leading"}, {"clip_sample": True}]
)
def test_a_model_trained_otherwise_is_refused(other: dict[str, Any]) -> None:
    with pytest.raises(ModelFault, match=next(iter(other))):
        signal_levels({**CONFIG, **other})
