"""Blended latent diffusion (Avrahami, Fried and Lischinski 2023, https://arxiv.org/abs/2206.02779): inpainting with a
model that was not trained for it.

After each step of an image-to-image pipeline, the latents outside the mask are reset to those of the input image,
noised to the level of that step.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

from service.generation.canvas import Canvas

OnStepEnd = Callable[[Any, int, Any, dict[str, Any]], dict[str, Any]]


class Blending:
    """A `callback_on_step_end` for one image; needs the tensor `latents`."""

    def __init__(self, pipeline: Any, canvas: Canvas, seed: int, on_step_end: OnStepEnd) -> None:
        """`canvas` has a mask. `seed` seeds the noise. `on_step_end` is called first after each step."""
        import torch  # noqa: PLC0415 - an extra

        self._on_step_end = on_step_end
        self._original = _latents(pipeline, canvas)
        noise = torch.Generator("cpu").manual_seed(seed)
        self._noise = torch.randn(self._original.shape, generator=noise).to(self._original)
        self._mask = _latent_mask(canvas, self._original)

    def __call__(self, pipeline: Any, index: int, timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        tensors = self._on_step_end(pipeline, index, timestep, tensors)
        left = pipeline.scheduler.timesteps[pipeline.scheduler.timesteps < timestep]
        kept = pipeline.scheduler.add_noise(self._original, self._noise, left[:1]) if len(left) else self._original
        return {**tensors, "latents": tensors["latents"] * self._mask + kept * (1 - self._mask)}


def _latents(pipeline: Any, canvas: Canvas) -> Any:
    """The input image in the pipeline's latent space, (1, C, h, w)."""
    pixels = pipeline.image_processor.preprocess(Image.fromarray(canvas.rgb))
    encoded = pipeline.vae.encode(pixels.to(pipeline.vae.device, pipeline.vae.dtype)).latent_dist.mode()
    return encoded * pipeline.vae.config.scaling_factor


def _latent_mask(canvas: Canvas, like: Any) -> Any:
    """The mask at the size of the latents, (1, 1, h, w): 1 where any of its pixels may change."""
    import torch  # noqa: PLC0415 - an extra

    mask = torch.from_numpy(np.asarray(canvas.mask, np.float32))[None, None]
    return torch.nn.functional.adaptive_max_pool2d(mask, like.shape[-2:]).to(like)
