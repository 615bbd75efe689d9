"""Sizes that a model does not draw, by enlarging what it does draw; only where the order names the method."""

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
MOST = 4
"""How many times the model's own side: beyond it there is nothing to see but the filter."""


class Upscaling(BackendProxy):
    """A Backend that draws at the model's own size and enlarges, before anybody has looked at the picture."""

    def check(self, job: Job) -> tuple[str, ...]:
        """Warnings, that of the enlargement among them. Raises BadRequest for a size or shape that is none of it."""
        if job.options.upscale is None:
            return super().check(job)
        width, height = self.default_size
        times = job.width / width
        if job.height * width != job.width * height or not 1 < times <= MOST:
            raise BadRequest(
                f"a picture of {width}x{height} px cannot be enlarged to {job.width}x{job.height} px",
                hint=f"Ask for the same shape, up to {MOST * width}x{MOST * height}, or leave `upscale` out.",
            )
        return (*super().check(self._native(job)), f"drawn at {width}x{height} px and enlarged ({job.options.upscale})")

    def render(self, job: Job, on_step: OnStep) -> NDArray[np.uint8]:
        """RGB pixels (uint8, height x width x 3) of the job's size, equal for equal jobs."""
        if job.options.upscale is None:
            return self._backend.render(job, on_step)
        drawn = Image.fromarray(self._backend.render(self._native(job), on_step))
        return np.asarray(drawn.resize((job.width, job.height), METHODS[job.options.upscale]))

    def _native(self, job: Job) -> Job:
        width, height = self.default_size
        return replace(job, width=width, height=height, options=job.options.model_copy(update={"upscale": None}))
