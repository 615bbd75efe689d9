"""What the gateway asks of whatever draws the picture."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from service.generation.adapter import Adapter
from service.generation.canvas import Canvas
from service.generation.model_options import ModelOptions

OnStep = Callable[[int, int], None]
"""Called after each denoising step with (done, total); raising from it stops the rendering."""


_MODELS_OWN = ModelOptions()


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """The model's name, version and SHA-256 (hex) over its files, as they go into the manifest."""

    name: str
    version: str
    digest: str


@dataclass(frozen=True, slots=True, eq=False)
class References:
    """What a picture shall take after: square RGB pictures (uint8, H x W x 3), how much (0 to 1), and the SHA-256 (hex)
    of the adapter that does it."""

    pictures: tuple[NDArray[np.uint8], ...]
    scale: float
    digest: str


@dataclass(frozen=True, slots=True)
class Job:
    """One picture to draw, with nothing left open: two equal jobs give the same pixels."""

    prompt: str
    negative_prompt: str
    seed: int
    width: int
    height: int
    steps: int
    guidance: float
    steering: int = 0
    """How strongly to steer away from what is unsafe: 0 not at all, up to the backend's `most_steering`."""
    adapters: tuple[Adapter, ...] = ()
    """What is put on the model for this picture."""
    canvas: Canvas | None = None
    """What to draw on; None: an empty one."""
    references: References | None = None
    """What it shall take after."""
    options: ModelOptions = _MODELS_OWN

    @property
    def done_steps(self) -> int:
        """The denoising steps that are really done: on a picture fewer than asked for."""
        return self.steps if self.canvas is None else self.canvas.steps(self.steps)


class Backend(Protocol):
    """Draws pictures. Its pixels are a draft: nothing but the gateway may hand them out."""

    @property
    def identity(self) -> ModelIdentity: ...

    @property
    def default_size(self) -> tuple[int, int]:
        """(width, height) in pixels."""

    @property
    def default_steps(self) -> int: ...

    @property
    def high_steps(self) -> int:
        """Steps of an order of high quality; `default_steps` where the model has one quality."""

    @property
    def default_guidance(self) -> float: ...

    @property
    def most_steering(self) -> int:
        """The largest `Job.steering`; 0 where the model cannot be steered."""

    @property
    def reference_digest(self) -> str:
        """SHA-256 (hex) of what lets pictures take after others; empty where nothing does."""

    def fitting(self, width: int, height: int) -> tuple[int, int]:
        """The size (width, height) to draw at, on a picture of that size."""

    def check(self, job: Job) -> tuple[str, ...]:
        """Warnings about the job, such as words the model has never seen.

        Raises:
            BadRequest: this model cannot draw it (size, steps, scheduler, adapters, on a picture).
        """

    def render(self, job: Job, on_step: OnStep) -> NDArray[np.uint8]:
        """RGB pixels (uint8, height x width x 3), the same for the same job, bit for bit, on one machine."""


@runtime_checkable
class Batching(Backend, Protocol):
    """A Backend that can draw several pictures in one call."""

    def render_batch(self, jobs: Sequence[Job], on_step: OnStep) -> Sequence[NDArray[np.uint8]]:
        """One picture a job, in order, each from its own seed. The jobs are alike in all but prompts and seed.

        A picture may differ from what `render` gives for its job by rounding. What fails for one, fails for all.
        """
