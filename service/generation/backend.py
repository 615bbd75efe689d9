"""The interface between the gateway and whatever generates the image."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from service.generation.adapter import Adapter
from service.generation.canvas import Canvas
from service.generation.model_options import ModelOptions

OnStep = Callable[[int, int], None]
"""Called after each denoising step with (done, total). Raising from it stops the generation."""


_MODELS_OWN = ModelOptions()


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """The model's name, version and SHA-256 (hex) over its files, as written into the manifest."""

    name: str
    version: str
    digest: str


@dataclass(frozen=True, slots=True, eq=False)
class References:
    """Reference images for an IP-Adapter: square RGB `pictures` (uint8, H x W x 3), their `scale` (0 to 1), and the
    adapter's SHA-256 (`digest`, hex)."""

    pictures: tuple[NDArray[np.uint8], ...]
    scale: float
    digest: str


@dataclass(frozen=True, slots=True)
class Job:
    """One image to generate, fully specified: equal jobs give equal pixels."""

    prompt: str
    negative_prompt: str
    seed: int
    width: int
    height: int
    steps: int
    guidance: float
    steering: int = 0
    """How strongly to steer away from unsafe content: 0 (not at all) to the backend's `most_steering`."""
    adapters: tuple[Adapter, ...] = ()
    """Attached to the model for this image only."""
    canvas: Canvas | None = None
    """The image to edit; None: text to image."""
    references: References | None = None
    options: ModelOptions = _MODELS_OWN

    @property
    def done_steps(self) -> int:
        """The denoising steps actually run; an edit runs fewer than requested."""
        return self.steps if self.canvas is None else self.canvas.steps(self.steps)


class Backend(Protocol):
    """Generates images. Its pixels are drafts: only the gateway may release them."""

    @property
    def identity(self) -> ModelIdentity: ...

    @property
    def default_size(self) -> tuple[int, int]:
        """(width, height) in pixels."""

    @property
    def default_steps(self) -> int: ...

    @property
    def high_steps(self) -> int:
        """Steps for `quality: high`; equal to `default_steps` if the model has only one quality."""

    @property
    def default_guidance(self) -> float: ...

    @property
    def most_steering(self) -> int:
        """The largest `Job.steering`; 0 if the model cannot be steered."""

    @property
    def reference_digest(self) -> str:
        """SHA-256 (hex) of the IP-Adapter; empty if none is loaded."""

    def fitting(self, width: int, height: int) -> tuple[int, int]:
        """The size (width, height) at which to edit an image of this size."""

    def nearest_size(self, width: int, height: int) -> tuple[int, int]:
        """The size (width, height) that can be generated and is nearest to this one: this one itself, if it can be."""

    def check(self, job: Job) -> tuple[str, ...]:
        """Return warnings about the job, such as words the model does not know.

        Raises:
            BadRequest: this model cannot run it (size, steps, scheduler, adapters, editing).
            NothingKnown: the model knows no word of the prompt.
        """

    def render(self, job: Job, on_step: OnStep) -> NDArray[np.uint8]:
        """Return RGB pixels (uint8, height x width x 3), bit for bit the same for the same job on one machine."""


@runtime_checkable
class Batching(Backend, Protocol):
    """A Backend that can generate several images in one call."""

    def render_batch(self, jobs: Sequence[Job], on_step: OnStep) -> Sequence[NDArray[np.uint8]]:
        """Return one image per job, in order, each from its own seed. The jobs differ only in prompts and seed.

        Images may differ from those of `render` by rounding. If one job fails, the whole call fails.
        """
