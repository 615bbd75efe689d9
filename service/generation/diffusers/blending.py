"""Blended latent diffusion (Avrahami, Fried and Lischinski 2023, https://arxiv.org/abs/2206.02779): drawing into a
masked part of a picture with a model that was never trained for it.

After each step of an image-to-image pipeline the latents outside the mask are put back to those of the picture that
was sent in, noised as far as the step is.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

from service.generation.canvas import Canvas

OnStepEnd = Callable[[Any, int, Any, dict[str, Any]], dict[str, Any]]


class Blending:
    """A `callback_on_step_end` for one picture; needs the tensor `latents`."""

    def __init__(self, pipeline: Any, canvas: Canvas, seed: int, told: OnStepEnd) -> None:
        """`canvas`: with a mask. `seed`: of the noise. `told`: called after each step, too."""
        import torch  # noqa: PLC0415 - an extra

        self._told = told
        self._picture = _latents(pipeline, canvas)
        noise = torch.Generator("cpu").manual_seed(seed)
        self._noise = torch.randn(self._picture.shape, generator=noise).to(self._picture)
        self._changes = _shrunk(canvas, self._picture)

    def __call__(self, pipeline: Any, index: int, timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        tensors = self._told(pipeline, index, timestep, tensors)
        left = pipeline.scheduler.timesteps[pipeline.scheduler.timesteps < timestep]
        kept = pipeline.scheduler.add_noise(self._picture, self._noise, left[:1]) if len(left) else self._picture
        return {**tensors, "latents": tensors["latents"] * self._changes + kept * (1 - self._changes)}


def _latents(pipeline: Any, canvas: Canvas) -> Any:
    """The picture in the pipeline's latent space, (1, C, h, w)."""
    pixels = pipeline.image_processor.preprocess(Image.fromarray(canvas.rgb))
    encoded = pipeline.vae.encode(pixels.to(pipeline.vae.device, pipeline.vae.dtype)).latent_dist.mode()
    return encoded * pipeline.vae.config.scaling_factor


def _shrunk(canvas: Canvas, like: Any) -> Any:
    """The mask at the size of the latents, (1, 1, h, w): 1 where any of its pixels is to change."""
    import torch  # noqa: PLC0415 - an extra

    mask = torch.from_numpy(np.asarray(canvas.mask, np.float32))[None, None]
    return torch.nn.functional.adaptive_max_pool2d(mask, like.shape[-2:]).to(like)
