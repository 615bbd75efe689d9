"""From noise, or an input image, to the latents of an image: what diffusers' Stable Diffusion pipelines do."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.generation.backend import OnStep
from service.generation.canvas import Canvas
from service.generation.embedded.networks import Networks
from service.generation.embedded.noise import Noise
from service.generation.embedded.safe_guidance import SafeGuidance
from service.generation.embedded.schedulers import Steps

Latents = NDArray[np.float32]
Blend = Callable[[Latents, int], Latents]
"""The latents after the step of that index."""


@dataclass(frozen=True, slots=True)
class Guidance:
    """How the predictions for the texts become one, for B images.

    `states`: text states. With guidance above 1 those of B negative prompts come first, then those of the B prompts,
    then, with `steering`, that of the concept; otherwise only those of the prompts.
    """

    states: NDArray[np.float32]
    scale: float
    rescale: float
    steering: SafeGuidance | None = None

    @property
    def guided(self) -> bool:
        """Classifier-free guidance is on."""
        return self.scale > 1

    def predict(self, networks: Networks, sample: Latents, timestep: int) -> Latents:
        if not self.guided:
            return networks.predict(sample, timestep, self.states)
        repeats = len(self.states) // len(sample)
        plain, prompted, *unsafe = np.split(
            networks.predict(np.concatenate([sample] * repeats), timestep, self.states), repeats
        )
        if self.steering is not None:
            prompted = self.steering(plain, prompted, *unsafe)
        mixed = plain + np.float32(self.scale) * (prompted - plain)
        return _rescaled(mixed, prompted, self.rescale) if self.rescale else mixed


def generate(networks: Networks, guidance: Guidance, steps: Steps, noises: Sequence[Noise], on_step: OnStep) -> Latents:
    """Latents from noise, one for each of `noises`."""
    sample = np.concatenate([noise.normal(1, *networks.latent_shape) for noise in noises])
    return _denoise(networks, guidance, steps, 0, sample, on_step)


def edit(
    networks: Networks, guidance: Guidance, steps: Steps, canvas: Canvas, done_steps: int, seed: int, on_step: OnStep
) -> Latents:
    """Latents of an edited image: the input with noise, as much as `done_steps` remove (SDEdit, Meng et al. 2022).

    With a mask, the latents outside it are reset after each step to those of the input, with the noise of that step
    (blended latent diffusion, Avrahami et al. 2023, https://arxiv.org/abs/2206.02779).
    """
    mean, deviation = networks.encode(canvas.rgb)
    noise, first = Noise(seed), max(len(steps.timesteps) - done_steps, 0)
    original = mean + deviation * noise.normal(*mean.shape)
    sample = steps.add_noise(original, noise.normal(*mean.shape), first)
    blend = None if canvas.mask is None else _blending(steps, mean, Noise(seed).normal(*mean.shape), canvas.mask)
    return _denoise(networks, guidance, steps, first, sample, on_step, blend)


def _denoise(
    networks: Networks,
    guidance: Guidance,
    steps: Steps,
    first: int,
    sample: Latents,
    on_step: OnStep,
    blend: Blend | None = None,
) -> Latents:
    total = len(steps.timesteps) - first
    for done, index in enumerate(range(first, len(steps.timesteps)), start=1):
        prediction = guidance.predict(networks, sample, int(steps.timesteps[index]))
        sample = steps.step(prediction, index, sample)
        on_step(done, total)
        sample = sample if blend is None else blend(sample, index)
    return sample


def _blending(steps: Steps, original: Latents, noise: Latents, mask: NDArray[np.bool_]) -> Blend:
    inside = _latent_mask(mask, original.shape[2:])

    def blend(sample: Latents, index: int) -> Latents:
        last = index + 1 == len(steps.timesteps)
        return np.where(inside, sample, original if last else steps.add_noise(original, noise, index + 1))

    return blend


def _latent_mask(mask: NDArray[np.bool_], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """The mask (H x W) at the size of the latents: true where any of its pixels may change."""
    rows, columns = shape
    blocks = mask.reshape(rows, mask.shape[0] // rows, columns, mask.shape[1] // columns)
    return np.asarray(blocks.any(axis=(1, 3)))


def _rescaled(mixed: Latents, prompted: Latents, share: float) -> Latents:
    """Guidance makes predictions too strong; bring part of that back (Lin et al. 2024, section 3.4)."""
    axes = tuple(range(1, mixed.ndim))
    wanted, found = (values.std(axis=axes, ddof=1, keepdims=True) for values in (prompted, mixed))
    return np.asarray(share * (mixed * (wanted / found)) + (1 - share) * mixed, np.float32)
