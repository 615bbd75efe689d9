"""Safe Latent Diffusion for one image: see `service.generation.safe_latent_diffusion`."""

import numpy as np
from numpy.typing import NDArray

from service.generation.safe_latent_diffusion import Strength

Latents = NDArray[np.float32]


class SafeGuidance:
    """Takes what points towards the concept out of a prompt's predictions, step by step."""

    def __init__(self, strength: Strength, steps: int) -> None:
        self._strength = strength
        self._left = int(strength.warm_up * steps)
        self._momentum: Latents = np.zeros((), np.float32)

    def __call__(self, plain: Latents, prompted: Latents, unsafe: Latents) -> Latents:
        """The prompt's prediction without the concept. `plain`: the prediction without a prompt; `unsafe`: that for the
        concept."""
        towards = prompted - unsafe
        scale = np.minimum(np.abs(towards) * np.float32(self._strength.scale), 1)
        scale = np.where(towards >= np.float32(self._strength.threshold), np.float32(0), scale)
        gamma = (unsafe - plain) * scale + np.float32(self._strength.momentum) * self._momentum
        decay = self._strength.decay
        self._momentum = np.asarray(decay * self._momentum + (1 - decay) * gamma, np.float32)
        self._left -= 1
        return np.asarray(prompted - gamma if self._left < 0 else prompted, np.float32)
