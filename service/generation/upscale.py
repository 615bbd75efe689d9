"""Upscaling to sizes the model does not generate, only if the order names the method."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image, __version__

from service.generation.backend import Job, OnStep
from service.generation.backend_proxy import BackendProxy
from service.generation.model_options import Upscale
from service.kit.errors import BadRequest

METHODS: dict[Upscale, Image.Resampling] = {"lanczos": Image.Resampling.LANCZOS}
NAMES: dict[Upscale, str] = {"lanczos": "Pillow Lanczos"}
VERSION = __version__
MAX_FACTOR = 4
"""Largest ratio to the model's own side; beyond it only the filter would show."""


class Upscaling(BackendProxy):
    """A Backend that generates at the model's own size and upscales before any check sees the image."""

    def check(self, job: Job) -> tuple[str, ...]:
        """The wrapped backend's warnings, and one about the upscaling. Raises BadRequest if the size does not fit."""
        if job.options.upscale is None:
            return super().check(job)
        width, height = self.default_size
        factor = job.width / width
        if job.height * width != job.width * height or not 1 < factor <= MAX_FACTOR:
            raise BadRequest(
                f"an image of {width}x{height} px cannot be upscaled to {job.width}x{job.height} px",
                hint=f"Keep the aspect ratio, up to {MAX_FACTOR * width}x{MAX_FACTOR * height} or omit `upscale`.",
            )
        upscaling = f"generated at {width}x{height} px and upscaled ({job.options.upscale})"
        return (*super().check(self._native(job)), upscaling)

    def render(self, job: Job, on_step: OnStep) -> NDArray[np.uint8]:
        """RGB pixels (uint8, height x width x 3) of the requested size, equal for equal jobs."""
        if job.options.upscale is None:
            return self._backend.render(job, on_step)
        native = Image.fromarray(self._backend.render(self._native(job), on_step))
        return np.asarray(native.resize((job.width, job.height), METHODS[job.options.upscale]))

    def _native(self, job: Job) -> Job:
        width, height = self.default_size
        return replace(job, width=width, height=height, options=job.options.model_copy(update={"upscale": None}))
