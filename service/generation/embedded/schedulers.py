"""Schedulers of the embedded model: from one noise level to the next.

DDIM (Song et al. 2021, https://arxiv.org/abs/2010.02502, eta = 0) and DPM-Solver++ 2M (Lu et al. 2022,
https://arxiv.org/abs/2211.01095, midpoint), for v-prediction with zero terminal SNR and trailing steps (Lin et al.
2024, https://arxiv.org/abs/2305.08891). They compute what diffusers' `DDIMScheduler` and
`DPMSolverMultistepScheduler` do.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from models import ModelFault
from service.generation.model_options import Scheduler

Latents = NDArray[np.float32]

OWN: Scheduler = "ddim"
_TRAINED = {
    "_class_name": "DDIMScheduler",
    "beta_schedule": "scaled_linear",
    "clip_sample": False,
    "prediction_type": "v_prediction",
    "rescale_betas_zero_snr": True,
    "set_alpha_to_one": True,
    "thresholding": False,
    "timestep_spacing": "trailing",
    "trained_betas": None,
}
"""How the embedded model was trained; nothing else is implemented."""


class Steps(Protocol):
    """The steps of one image."""

    timesteps: NDArray[np.int64]
    """All timesteps, from the noisiest."""

    def add_noise(self, original: Latents, noise: Latents, index: int) -> Latents:
        """`original` with as much of `noise` as at the step `index`."""

    def step(self, prediction: Latents, index: int, sample: Latents) -> Latents:
        """The sample after the step `index`; the steps come in order. `prediction` is the velocity v."""


def signal_levels(config: Mapping[str, Any]) -> NDArray[np.float32]:
    """The cumulative product of the alphas, one for each training timestep; 0 for the last, which is pure noise.

    `config`: the contents of scheduler_config.json. Raises ModelFault if the model was trained in another way.
    """
    if other := [name for name, value in _TRAINED.items() if config.get(name) != value]:
        raise ModelFault(f"the scheduler's {other[0]} is {config.get(other[0])!r}, not {_TRAINED[other[0]]!r}")
    start, end, number = config["beta_start"], config["beta_end"], config["num_train_timesteps"]
    betas = np.linspace(start**0.5, end**0.5, number).astype(np.float32) ** 2
    roots = np.sqrt(_cumulative(1 - betas))
    levels = ((roots - roots[-1]) * (roots[0] / (roots[0] - roots[-1]))) ** 2
    betas = 1 - np.append(levels[0], levels[1:] / levels[:-1])
    return _cumulative(1 - betas)  # and not `levels`: near the image, their last digits matter


class DDIM:
    """DDIM without added noise."""

    def __init__(self, levels: NDArray[np.float32], steps: int) -> None:
        self.timesteps = _trailing(len(levels), steps)
        self._levels = levels
        self._stride = len(levels) // steps

    def add_noise(self, original: Latents, noise: Latents, index: int) -> Latents:
        level = self._levels[self.timesteps[index]]
        return _mixed(np.sqrt(level), original, np.sqrt(1 - level), noise)

    def step(self, prediction: Latents, index: int, sample: Latents) -> Latents:
        timestep = self.timesteps[index]
        level, before = self._levels[timestep], timestep - self._stride
        next_level = self._levels[before] if before >= 0 else np.float32(1)
        image = _mixed(np.sqrt(level), sample, -np.sqrt(1 - level), prediction)
        noise = _mixed(np.sqrt(level), prediction, np.sqrt(1 - level), sample)
        return _mixed(np.sqrt(next_level), image, np.sqrt(1 - next_level), noise)


class DPMSolver2M:
    """DPM-Solver++ of second order; the first and the last step are of first order."""

    _SMALLEST = np.float32(2**-24)
    """Instead of a signal level of 0, whose noise-to-signal ratio is infinite."""

    def __init__(self, levels: NDArray[np.float32], steps: int) -> None:
        self.timesteps = _trailing(len(levels), steps)
        chosen = np.append(np.maximum(levels[self.timesteps], self._SMALLEST), np.float32(1))
        self._signal, self._noise = np.sqrt(chosen), np.sqrt(1 - chosen)
        self._before: Latents | None = None

    def add_noise(self, original: Latents, noise: Latents, index: int) -> Latents:
        return _mixed(self._signal[index], original, self._noise[index], noise)

    def step(self, prediction: Latents, index: int, sample: Latents) -> Latents:
        image = _mixed(self._signal[index], sample, -self._noise[index], prediction)
        ratio = self._noise[index + 1] / self._noise[index]
        change = self._signal[index + 1] - self._signal[index] * ratio  # alpha_t (1 - exp(-h))
        direction = image
        if self._before is not None and index < len(self.timesteps) - 1:
            last, now = self._log_ratio(index) - self._log_ratio(index - 1), self._log_ratio(index + 1)
            now -= self._log_ratio(index)
            direction = _mixed(1 + now / (2 * last), image, -now / (2 * last), self._before)
        self._before = image
        return _mixed(ratio, sample, change, direction)

    def _log_ratio(self, index: int) -> np.float32:
        """Lambda: the logarithm of the signal-to-noise ratio."""
        return np.float32(np.log(self._signal[index] / self._noise[index]))


SCHEDULERS: Mapping[Scheduler, Callable[[NDArray[np.float32], int], Steps]] = {"ddim": DDIM, "dpmpp_2m": DPMSolver2M}


def _mixed(one: np.float32, first: Latents, other: np.float32, second: Latents) -> Latents:
    return np.asarray(one * first + other * second, np.float32)


def _cumulative(alphas: NDArray[np.float32]) -> NDArray[np.float32]:
    """Their cumulative product, in double precision, as torch computes it."""
    return np.cumprod(alphas, dtype=np.float64).astype(np.float32)


def _trailing(number: int, steps: int) -> NDArray[np.int64]:
    """As many timesteps as `steps`: for some numbers, such as 61, `arange` adds one more, which is not a timestep."""
    return np.round(np.arange(number, 0, -number / steps)[:steps]).astype(np.int64) - 1
