"""Safe Latent Diffusion (Schramowski et al. 2023, arXiv 2211.05105) for any pipeline with a UNet: steer the image away
from a concept during denoising.

While a pipeline is steered, its UNet also predicts the noise for the concept. What points towards the concept is
subtracted from the prompt's prediction before the pipeline applies its own classifier-free guidance. The pipeline
itself does not change.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

from models import ModelFault
from service.generation.safe_latent_diffusion import CONCEPT, NEEDS_GUIDANCE, Strength


@contextlib.contextmanager
def steered(pipeline: Any, strength: Strength, steps: int, concept: str = CONCEPT) -> Iterator[None]:
    """Steer the image that `pipeline` generates inside the block, in `steps` steps, away from `concept`.

    Raises:
        ModelFault: the pipeline has no UNet, or runs without classifier-free guidance.
    """
    unet = getattr(pipeline, "unet", None)
    if unet is None:
        raise ModelFault("this pipeline has no UNet to steer")
    hooked = "forward" in vars(unet)  # accelerate's offload installs its own `forward`
    own, steer = unet.forward, _Steering(_embedded(pipeline, concept), strength, int(strength.warm_up * steps))

    def forward(sample: Any, timestep: Any, encoder_hidden_states: Any, **rest: Any) -> Any:
        return steer(own, sample, timestep, encoder_hidden_states, rest)

    unet.forward = forward
    try:
        yield
    finally:
        if hooked:
            unet.forward = own
        else:
            del unet.forward  # the class's own again


class _Steering:
    """The guidance of one image; keeps the step and the momentum."""

    def __init__(self, concept: Any, strength: Strength, warm_up: int) -> None:
        self._concept = concept
        self._strength = strength
        self._left = warm_up
        self._momentum: Any = 0.0

    def __call__(self, own: Any, sample: Any, timestep: Any, states: Any, rest: dict[str, Any]) -> Any:
        """The two predictions the pipeline expects: unconditional, and the prompt's without the concept."""
        import torch  # noqa: PLC0415 - an extra

        if len(sample) != 2:
            raise ModelFault(NEEDS_GUIDANCE)
        concept = self._concept.to(states.device, states.dtype)  # with offload it was computed on another device
        added = {k: _with_concept(v) for k, v in (rest.pop("added_cond_kwargs", None) or {}).items()}
        rest["return_dict"] = False
        (noise,) = own(
            torch.cat([sample, sample[1:]]),
            timestep,
            torch.cat([states, concept]),
            **({"added_cond_kwargs": added} if added else {}),
            **rest,
        )
        plain, prompted, unsafe = noise.chunk(3)
        return (torch.cat([plain, prompted - self._guidance(plain, prompted, unsafe)]),)

    def _guidance(self, plain: Any, prompted: Any, unsafe: Any) -> Any:
        """Gamma of equations 5 to 8: the correction where the prompt's prediction approaches the concept's."""
        import torch  # noqa: PLC0415

        towards = prompted - unsafe
        scale = (towards.abs() * self._strength.scale).clamp(max=1.0)
        scale = torch.where(towards >= self._strength.threshold, torch.zeros_like(scale), scale)
        gamma = (unsafe - plain) * scale + self._strength.momentum * self._momentum
        self._momentum = self._strength.decay * self._momentum + (1 - self._strength.decay) * gamma
        self._left -= 1
        return gamma if self._left < 0 else torch.zeros_like(gamma)


def _with_concept(states: Any) -> Any:
    """Repeat the conditional half for the concept. IP-Adapters pass a list of tensors."""
    import torch  # noqa: PLC0415

    return [_with_concept(one) for one in states] if isinstance(states, list) else torch.cat([states, states[1:]])


def _embedded(pipeline: Any, concept: str) -> Any:
    """The concept's text embedding from the pipeline's own encoders, (1, T, D)."""
    found = pipeline.encode_prompt(
        prompt=concept, device=pipeline.device, num_images_per_prompt=1, do_classifier_free_guidance=False
    )
    return found[0]
