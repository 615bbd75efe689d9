"""The arithmetic of Safe Latent Diffusion on a UNet that predicts its own input."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from models import ModelFault
from service.generation.diffusers.safe_guidance import steered
from service.generation.safe_latent_diffusion import STRENGTHS, Strength

ALWAYS = Strength(scale=1000, warm_up=0, threshold=1.0, momentum=0.0, decay=0.0)


class UNet:
    """Predicts the mean of the text states it is given, everywhere."""

    def forward(
        self, sample: torch.Tensor, timestep: object, encoder_hidden_states: torch.Tensor, return_dict: bool = True
    ) -> tuple[torch.Tensor]:
        return (encoder_hidden_states.mean(dim=(1, 2))[:, None, None, None].expand(sample.shape).clone(),)


def pipeline(concept: float) -> SimpleNamespace:
    def encode_prompt(**_: object) -> tuple[torch.Tensor, None]:
        return torch.full((1, 2, 3), concept), None

    return SimpleNamespace(unet=UNet(), device="cpu", encode_prompt=encode_prompt)


def draw(pipe: SimpleNamespace, plain: float, prompted: float) -> tuple[float, float]:
    states = torch.tensor([plain, prompted])[:, None, None].expand(2, 2, 3)
    (noise,) = pipe.unet.forward(torch.zeros(2, 4, 8, 8), 1, encoder_hidden_states=states, return_dict=False)
    return float(noise[0].mean()), float(noise[1].mean())


def test_what_points_towards_the_concept_is_taken_off() -> None:
    """gamma = concept - plain = 3, where the prompt's prediction is below the concept's plus the threshold."""
    pipe = pipeline(concept=3.0)
    with steered(pipe, ALWAYS, steps=1):
        assert draw(pipe, 0.0, 2.0) == (0.0, -1.0)


def test_a_prompt_far_from_the_concept_is_left_alone() -> None:
    pipe = pipeline(concept=-3.0)
    with steered(pipe, ALWAYS, steps=1):
        assert draw(pipe, 0.0, 2.0) == (0.0, 2.0)


def test_the_first_steps_are_left_alone() -> None:
    pipe = pipeline(concept=3.0)
    with steered(pipe, Strength(1000, 0.4, 1.0, 0.0, 0.0), steps=5):
        assert [draw(pipe, 0.0, 2.0)[1] for _ in range(4)] == [2.0, 2.0, -1.0, -1.0]


def test_momentum_adds_up() -> None:
    """nu is (1 - .5) 3 = 1.5 after the first step, and .5 of it is added to gamma in the second."""
    pipe = pipeline(concept=3.0)
    with steered(pipe, Strength(1000, 0.0, 1.0, 0.5, 0.5), steps=5):
        assert [draw(pipe, 0.0, 2.0)[1] for _ in range(2)] == [-1.0, -1.75]


def test_the_pipeline_is_itself_again_even_after_a_fault() -> None:
    pipe = pipeline(concept=3.0)
    with pytest.raises(RuntimeError), steered(pipe, ALWAYS, steps=1):
        raise RuntimeError
    assert draw(pipe, 0.0, 2.0) == (0.0, 2.0)


def test_a_forward_that_offload_put_there_is_used_and_stays() -> None:
    pipe = pipeline(concept=3.0)
    calls: list[object] = []

    def hooked(*args: Any, **more: Any) -> tuple[torch.Tensor]:
        calls.append(args)
        return UNet.forward(pipe.unet, *args, **more)

    pipe.unet.forward = hooked
    with steered(pipe, ALWAYS, steps=1):
        assert draw(pipe, 0.0, 2.0) == (0.0, -1.0)
    assert pipe.unet.forward is hooked
    assert len(calls) == 1


def test_what_cannot_be_steered_is_a_fault() -> None:
    with pytest.raises(ModelFault, match="no UNet"), steered(SimpleNamespace(), STRENGTHS[0], steps=1):
        pass
    pipe = pipeline(concept=3.0)
    with steered(pipe, ALWAYS, steps=1), pytest.raises(ModelFault, match="guidance"):
        pipe.unet.forward(torch.zeros(1, 4, 8, 8), 1, encoder_hidden_states=torch.zeros(1, 2, 3))
