from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from service.generation.canvas import Canvas, canvas
from service.generation.diffusers.blending import Blending
from tests.support.painter import landscape

SIDE = 64


class Scheduler:
    """Adds noise in the measure of the timestep, of ten."""

    timesteps = torch.tensor([8, 5, 2])

    def add_noise(self, original: torch.Tensor, noise: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
        return original + noise * float(timestep) / 10


class Vae:
    """The latents of a picture are its mean brightness, in four channels of an eighth of its side."""

    device, dtype = torch.device("cpu"), torch.float32
    config = SimpleNamespace(scaling_factor=2.0)

    def encode(self, pixels: torch.Tensor) -> Any:
        small = torch.nn.functional.avg_pool2d(pixels.mean(1, keepdim=True), 8).repeat(1, 4, 1, 1)
        return SimpleNamespace(latent_dist=SimpleNamespace(mode=lambda: small))


def preprocess(image: Any) -> torch.Tensor:
    return torch.from_numpy(np.asarray(image, np.float32) / 255).permute(2, 0, 1)[None]


PIPELINE = SimpleNamespace(scheduler=Scheduler(), vae=Vae(), image_processor=SimpleNamespace(preprocess=preprocess))


@pytest.fixture
def masked() -> Canvas:
    """The right half may change, and one pixel of the left."""
    mask = np.zeros((SIDE, SIDE), np.bool_)
    mask[:, SIDE // 2 :] = mask[0, 0] = True
    return canvas(landscape(1, SIDE, SIDE), mask, 1.0, (SIDE, SIDE))


def unchanged(pipeline: Any, index: int, timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
    return tensors


def blended(blending: Blending, timestep: int) -> torch.Tensor:
    tensors = {"latents": torch.full((1, 4, 8, 8), 99.0), "other": 1}
    found = blending(PIPELINE, 0, timestep, tensors)
    assert found["other"] == 1
    return torch.as_tensor(found["latents"])


def test_only_what_may_change_does(masked: Canvas) -> None:
    after = blended(Blending(PIPELINE, masked, 7, unchanged), 2)
    assert (after[..., 4:] == 99).all()
    assert (after[..., 0, 0] == 99).all(), "a latent with one pixel of the mask may change"
    assert (after[..., 1:, :4] != 99).all()


def test_after_the_last_step_the_rest_is_the_input_image(masked: Canvas) -> None:
    after = blended(Blending(PIPELINE, masked, 7, unchanged), 2)
    expected = 2 * PIPELINE.vae.encode(preprocess(masked.rgb)).latent_dist.mode()
    assert torch.equal(after[..., 1:, :4], expected[..., 1:, :4])


def test_before_it_the_rest_has_the_noise_of_the_next_step(masked: Canvas) -> None:
    last, middle, first = (blended(Blending(PIPELINE, masked, 7, unchanged), step) for step in (2, 5, 8))
    outside = (..., slice(1, None), slice(None, 4))
    noise = middle[outside] - last[outside]
    assert noise.abs().max() > 0
    assert torch.allclose(first[outside] - last[outside], noise * 2.5, atol=1e-5)


def test_the_noise_is_that_of_the_seed(masked: Canvas) -> None:
    one, same, other = (blended(Blending(PIPELINE, masked, seed, unchanged), 5) for seed in (7, 7, 8))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_the_step_is_reported_first_and_may_stop_it(masked: Canvas) -> None:
    def stop(*_: object) -> dict[str, Any]:
        raise KeyError("stop")

    with pytest.raises(KeyError):
        blended(Blending(PIPELINE, masked, 7, stop), 5)
