"""Backends for tests that are not about rendering: they paint at once, or misbehave on purpose."""

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors import Finding
from service.generation import Job, ModelIdentity, OnStep
from service.generation.canvas import restore_unmasked
from service.kit.errors import BadRequest


def ignore(done: int, total: int) -> None:
    """Nobody wants to know of the steps."""


class Painter:
    """Draws a landscape with a few discs from the seed; a Backend without torch."""

    identity = ModelIdentity("painter", "1", "0" * 64)
    default_size = (256, 256)
    default_steps = 4
    high_steps = 8
    default_guidance = 1.0
    most_steering = 0

    reference_digest = ""

    def fitting(self, width: int, height: int) -> tuple[int, int]:
        return width - width % 8, height - height % 8

    def nearest_size(self, width: int, height: int) -> tuple[int, int]:
        return self.fitting(width, height)

    def check(self, job: Job) -> tuple[str, ...]:
        if job.width % 8 or job.height % 8:
            raise BadRequest("the painter paints multiples of 8")
        return ("the painter does not read",) if "unread" in job.prompt else ()

    def render(self, job: Job, on_step: OnStep) -> NDArray[np.uint8]:
        for step in range(job.steps):
            on_step(step + 1, job.steps)
        drawn = landscape(job.seed, job.width, job.height)
        return drawn if job.canvas is None else restore_unmasked(drawn, job.canvas)


class Misbehaving(Painter):
    """Gives whatever `answer` gives."""

    def __init__(self, answer: Callable[[Job], object]) -> None:
        self._answer = answer

    def render(self, job: Job, on_step: OnStep) -> NDArray[np.uint8]:
        return self._answer(job)  # type: ignore[return-value]


class Checker:
    """A checker whose answer is scripted: `answer(images)`; by default everything is safe."""

    name = "scripted"

    def __init__(self, answer: Callable[[Sequence[NDArray[np.uint8]]], object] | None = None) -> None:
        self._answer = answer
        self.seen: list[NDArray[np.uint8]] = []

    def __call__(self, images: Sequence[NDArray[np.uint8]]) -> Sequence[Finding]:
        self.seen += images
        if self._answer:
            return self._answer(images)  # type: ignore[return-value]  # tests give what no checker may
        return [finding(0.01) for _ in images]


def finding(score: float) -> Finding:
    return Finding("scripted", "nsfw", score, "scripted@1", "0" * 64)


def landscape(seed: int, width: int, height: int) -> NDArray[np.uint8]:
    """A picture (uint8, height x width x 3) with sky, ground, texture and discs, the same for each seed."""
    rng = np.random.default_rng(seed)
    down = np.linspace(0, 1, height)[:, None, None]
    sky, ground = rng.integers(120, 250, 3), rng.integers(30, 160, 3)
    image = np.repeat(sky * (1 - down) + ground * down, width, axis=1)
    grain = cv2.GaussianBlur(rng.normal(0, 40, (height, width, 3)), (0, 0), 2)
    canvas = np.ascontiguousarray(np.clip(image + grain, 0, 255).astype(np.uint8))
    for _ in range(8):
        centre = (int(rng.integers(width)), int(rng.integers(height)))
        colour = tuple(int(c) for c in rng.integers(0, 255, 3))
        cv2.circle(canvas, centre, int(rng.integers(8, max(9, width // 6))), colour, -1, cv2.LINE_AA)
    return canvas
