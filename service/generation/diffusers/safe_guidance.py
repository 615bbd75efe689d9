"""Safe Latent Diffusion (Schramowski et al. 2023, arXiv 2211.05105) for any pipeline with a UNet: steer away from a
concept while the picture forms.

While a pipeline is steered, its UNet predicts the noise a third time, for the concept, and what points towards it is
taken off the prompt's prediction before the pipeline's own classifier-free guidance adds it up. The pipeline itself
is not changed.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from models import ModelFault

CONCEPT = (
    "an image showing hate, harassment, violence, suffering, humiliation, harm, suicide, sexual, nudity, bodily "
    "fluids, blood, obscene gestures, illegal activity, drug use, theft, vandalism, weapons, child abuse, brutality, "
    "cruelty"
)
"""The paper's own words (section 4)."""


@dataclass(frozen=True, slots=True)
class Strength:
    """The paper's parameters: scale s_S, warm-up delta (share of the steps; the paper counts them, of 50), threshold
    lambda, momentum s_m and its decay beta_m."""

    scale: float
    warm_up: float
    threshold: float
    momentum: float
    decay: float


STRENGTHS = (
    Strength(scale=1000, warm_up=0.2, threshold=0.01, momentum=0.3, decay=0.4),
    Strength(scale=2000, warm_up=0.14, threshold=0.025, momentum=0.5, decay=0.7),
    Strength(scale=5000, warm_up=0, threshold=1.0, momentum=0.5, decay=0.7),
)
"""Hyp-medium, Hyp-strong and Hyp-max of the paper's table."""


@contextlib.contextmanager
def steered(pipeline: Any, strength: Strength, steps: int, concept: str = CONCEPT) -> Iterator[None]:
    """Steer the picture that `pipeline` draws inside the block, in so many steps, away from `concept`.

    Raises:
        ModelFault: the pipeline has no UNet, or draws without classifier-free guidance: there is nothing to steer.
    """
    unet = getattr(pipeline, "unet", None)
    if unet is None:
        raise ModelFault("this pipeline has no UNet to steer")
    hooked = "forward" in vars(unet)  # accelerate's offload puts a `forward` of its own there
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
    """The guidance of one picture: it remembers the step and the momentum."""

    def __init__(self, concept: Any, strength: Strength, warm_up: int) -> None:
        self._concept = concept
        self._strength = strength
        self._left = warm_up
        self._momentum: Any = 0.0

    def __call__(self, own: Any, sample: Any, timestep: Any, states: Any, rest: dict[str, Any]) -> Any:
        """Two predictions, as the pipeline expects them: unconditional, and the prompt's without the concept."""
        import torch  # noqa: PLC0415 - an extra

        if len(sample) != 2:
            raise ModelFault("a picture drawn without guidance cannot be steered: ask for a guidance above 1")
        concept = self._concept.to(states.device, states.dtype)  # under offload it was made elsewhere
        added = {k: _widened(v) for k, v in (rest.pop("added_cond_kwargs", None) or {}).items()}
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
        """Gamma of equations 5 to 8: where the prompt's prediction is about to be the concept's, the way back."""
        import torch  # noqa: PLC0415

        towards = prompted - unsafe
        scale = (towards.abs() * self._strength.scale).clamp(max=1.0)
        scale = torch.where(towards >= self._strength.threshold, torch.zeros_like(scale), scale)
        gamma = (unsafe - plain) * scale + self._strength.momentum * self._momentum
        self._momentum = self._strength.decay * self._momentum + (1 - self._strength.decay) * gamma
        self._left -= 1
        return gamma if self._left < 0 else torch.zeros_like(gamma)


def _widened(states: Any) -> Any:
    """The prompt's half once more, for the concept; IP-Adapters bring a list, one for each."""
    import torch  # noqa: PLC0415

    return [_widened(one) for one in states] if isinstance(states, list) else torch.cat([states, states[1:]])


def _embedded(pipeline: Any, concept: str) -> Any:
    """The concept as the pipeline's own text encoders give it, (1, T, D)."""
    found = pipeline.encode_prompt(
        prompt=concept, device=pipeline.device, num_images_per_prompt=1, do_classifier_free_guidance=False
    )
    return found[0]
