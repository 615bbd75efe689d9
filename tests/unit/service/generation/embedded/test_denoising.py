"""The loop around the networks, with networks whose results are known."""

from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from service.generation.canvas import Canvas
from service.generation.embedded.denoising import Guidance, edit, generate
from service.generation.embedded.networks import Networks
from service.generation.embedded.noise import Noise
from service.generation.embedded.schedulers import DDIM

LEVELS = np.linspace(0.99, 0, 100).astype(np.float32)
SHAPE = (2, 4, 4)


class Fake:
    """Predicts the text state everywhere; encodes every image as `mean` without doubt."""

    latent_shape = SHAPE

    def __init__(self, mean: float = 0.5) -> None:
        self.mean = mean
        self.calls: list[tuple[int, int]] = []

    def predict(self, sample: NDArray[np.float32], timestep: int, states: NDArray[np.float32]) -> Any:
        self.calls.append((len(sample), timestep))
        return np.broadcast_to(states.reshape(-1, 1, 1, 1), sample.shape).astype(np.float32)

    def encode(self, rgb: NDArray[np.uint8]) -> Any:
        mean = np.full((1, *SHAPE), self.mean, np.float32)
        return mean, np.zeros_like(mean)


def states(*values: float) -> NDArray[np.float32]:
    return np.array(values, np.float32).reshape(-1, 1, 1)


def canvas(strength: float, mask: NDArray[np.bool_] | None = None) -> Canvas:
    return Canvas(np.zeros((32, 32, 3), np.uint8), mask, strength)


def ignore(done: int, total: int) -> None:
    pass


def test_guidance_goes_past_the_prompt() -> None:
    networks = cast(Networks, Fake())
    sample = np.zeros((2, *SHAPE), np.float32)
    mixed = Guidance(states(1, 1, 3, 5), 4.0, 0.0).predict(networks, sample, 9)
    assert mixed[:, 0, 0, 0].tolist() == [1 + 4 * 2, 1 + 4 * 4]
    assert Guidance(states(3, 5), 1.0, 0.5).predict(networks, sample, 9)[:, 0, 0, 0].tolist() == [3, 5]


def test_pictures_generated_together_have_their_own_noise_and_report_every_step() -> None:
    fake, reported = Fake(), list[tuple[int, int]]()
    guidance = Guidance(states(0, 0), 1.0, 0.0)
    noises = [Noise(3), Noise(4)]
    found = generate(
        cast(Networks, fake), guidance, DDIM(LEVELS, 5), noises, lambda done, total: reported.append((done, total))
    )
    alone = generate(cast(Networks, Fake()), Guidance(states(0), 1.0, 0.0), DDIM(LEVELS, 5), [Noise(4)], ignore)
    assert np.array_equal(found[1:], alone)
    assert fake.calls == [(2, timestep) for timestep in (99, 79, 59, 39, 19)]
    assert reported == [(done, 5) for done in range(1, 6)]


def test_an_edit_runs_only_the_last_steps() -> None:
    fake = Fake()
    edit(cast(Networks, fake), Guidance(states(0), 1.0, 0.0), DDIM(LEVELS, 5), canvas(0.4), 2, 1, ignore)
    assert fake.calls == [(1, 39), (1, 19)]


def test_outside_the_mask_the_latents_of_the_input_remain() -> None:
    mask = np.zeros((32, 32), bool)
    mask[15, 8] = True  # one pixel: the latent pixel in row 1, column 1
    given = Guidance(states(2), 1.0, 0.0), DDIM(LEVELS, 4), canvas(1.0, mask), 4, 1
    found = edit(cast(Networks, Fake(0.25)), *given, ignore)
    inside = np.zeros((4, 4), bool)
    inside[1, 1] = True
    assert (found[..., ~inside] == 0.25).all()
    assert (found[..., inside] != 0.25).all()
