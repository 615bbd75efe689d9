"""Which schedulers fit a model, and that choosing one leaves no trace."""

from types import SimpleNamespace
from typing import get_args

import diffusers
import pytest

from service.generation.diffusers.schedulers import check_scheduler, compatible_schedulers, use_scheduler
from service.generation.model_options import SCHEDULERS, Scheduler
from service.kit.errors import BadRequest


def pipeline(kind: str, **config: object) -> SimpleNamespace:
    return SimpleNamespace(scheduler=getattr(diffusers, kind)(**config))


def test_a_model_of_noise_and_one_of_flow_have_none_in_common() -> None:
    assert compatible_schedulers(pipeline("DDIMScheduler")) == SCHEDULERS[:-1]
    assert compatible_schedulers(pipeline("FlowMatchEulerDiscreteScheduler")) == ("flow_euler",)
    assert compatible_schedulers(pipeline("LCMScheduler")) == ()
    assert set(SCHEDULERS) == set(get_args(Scheduler))


def test_one_that_does_not_know_how_the_model_was_trained_does_not_fit() -> None:
    zero = pipeline("DDIMScheduler", rescale_betas_zero_snr=True, prediction_type="v_prediction")
    assert set(compatible_schedulers(zero)) == {"ddim", "euler", "euler_a", "dpmpp_2m", "unipc"}
    with pytest.raises(BadRequest, match="heun") as refused, use_scheduler(zero, "heun"):
        pass
    assert "dpmpp_2m" in refused.value.hint


def test_the_pipeline_has_its_own_again_even_after_a_fault() -> None:
    pipe = pipeline("DDIMScheduler", beta_end=0.012, timestep_spacing="trailing")
    own = pipe.scheduler

    def draw() -> None:
        with use_scheduler(pipe, "dpmpp_2m"):
            assert type(pipe.scheduler).__name__ == "DPMSolverMultistepScheduler"
            assert (pipe.scheduler.config.beta_end, pipe.scheduler.config.timestep_spacing) == (0.012, "trailing")
            raise KeyError

    with pytest.raises(KeyError):
        draw()
    assert pipe.scheduler is own


def test_none_is_the_models_own() -> None:
    pipe = pipeline("LCMScheduler")
    check_scheduler(compatible_schedulers(pipe), None)
    with use_scheduler(pipe, None):
        assert type(pipe.scheduler).__name__ == "LCMScheduler"
    with pytest.raises(BadRequest) as refused:
        check_scheduler(compatible_schedulers(pipe), "euler")
    assert refused.value.hint == "Leave it out."
