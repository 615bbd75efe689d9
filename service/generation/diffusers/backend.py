"""Pictures through diffusers, by any pipeline that draws from words: SD 1.x/2.x, SDXL, SD3, FLUX and others.

The pipeline's own safety checker and watermark are left out of it: the gateway checks the final pixels, with the same
checker and others, and marks them.
"""

import contextlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models import ModelFault
from service.generation.backend import Job, ModelIdentity, OnStep
from service.generation.canvas import kept
from service.generation.diffusers import arguments
from service.generation.diffusers.adapters import Attachments
from service.generation.diffusers.adapters import check as check_adapters
from service.generation.diffusers.blending import Blending
from service.generation.diffusers.families import steerable
from service.generation.diffusers.ignored_inputs import IgnoredInputs
from service.generation.diffusers.onnx_parts import OnnxPart
from service.generation.diffusers.redrawing import blends, redrawer
from service.generation.diffusers.references import ReferenceAdapter
from service.generation.diffusers.references import check as check_references
from service.generation.diffusers.safe_guidance import CONCEPT, STRENGTHS, steered
from service.generation.diffusers.schedulers import check as check_scheduler
from service.generation.diffusers.schedulers import fitting, scheduled
from service.generation.embedded import vocabulary
from service.kit.errors import BadRequest

_LEAST_MULTIPLE = 8
_LARGEST_SIDE = 2048
_USUAL_SIDE = 1024  # of the families whose own size stands nowhere in their folder
_USUAL_GUIDANCE = 1.0
_USUAL_STEPS = 50


class DiffusersBackend:
    """One loaded pipeline. Renders one picture at a time: a scheduler keeps state between steps."""

    def __init__(
        self,
        pipeline: Any,
        identity: ModelIdentity,
        folder: Path,
        options: Mapping[str, Any] | None = None,
        references: ReferenceAdapter | None = None,
        parts: Sequence[OnnxPart] = (),
    ) -> None:
        """`folder`: where it was loaded from. `references`: what lets its pictures take after others. `parts`: what
        computes in the place of networks of the pipeline.

        `options`: `steps`, `guidance`, `guidance_rescale`, `max_sequence_length`, `sizes` = "native", `words` the model
        knows, `prompt_tokens` that it may be given where its tokenizer takes more.
        """
        self.identity = identity
        self.folder = folder
        self._pipeline = pipeline
        self._options = dict(options or {})
        self._call = arguments.takes(pipeline)
        self._words = frozenset(self._options.get("words", ()))
        self._schedulers = fitting(pipeline)
        # Now, and not at the first picture sent in: a drawing swaps parts of the pipeline, and they would keep those.
        self._redrawers = {masked: redrawer(pipeline, masked=masked) for masked in (False, True)}
        self._ignored_inputs = IgnoredInputs(pipeline, self._options)
        self._attachments = Attachments(pipeline)
        self._references = references
        self._parts = tuple(parts)
        self._lock = threading.Lock()

    @property
    def default_size(self) -> tuple[int, int]:
        return _own_size(self._pipeline, self._call)

    @property
    def reference_digest(self) -> str:
        return self._references.digest if self._references else ""

    def fitting(self, width: int, height: int) -> tuple[int, int]:
        """That picture's shape with the area of the model's own size: far from it models repeat what they draw."""
        if self._options.get("sizes") == "native":
            return self.default_size
        multiple, (own_width, own_height) = _multiple(self._pipeline), self.default_size
        scale = (own_width * own_height / (width * height)) ** 0.5
        fitted = [round(side * scale / multiple) * multiple for side in (width, height)]
        largest = _LARGEST_SIDE // multiple * multiple
        wide, high = (min(max(side, multiple), largest) for side in fitted)
        return wide, high

    @property
    def default_steps(self) -> int:
        return int(self._options.get("steps", arguments.default(self._call, "num_inference_steps") or _USUAL_STEPS))

    @property
    def high_steps(self) -> int:
        return int(self._options.get("steps_high", self.default_steps))

    @property
    def default_guidance(self) -> float:
        name = arguments.guidance_name(self._call)
        own = arguments.default(self._call, name) if name else None
        return float(self._options.get("guidance", _USUAL_GUIDANCE if own is None else own))

    @property
    def most_steering(self) -> int:
        return len(STRENGTHS) if steerable(type(self._pipeline).__name__) else 0

    def check(self, job: Job) -> tuple[str, ...]:
        """Warn of words the model does not know, of writing and people it cannot draw, and of what has no effect.

        Raises:
            BadRequest: it cannot draw this size, or on a picture, or has no place for something the job asks for.
        """
        self._check_size(job)
        if job.done_steps < 1:
            raise BadRequest("so weak a change of so few steps is none", hint="Ask for more steps or strength.")
        call = arguments.takes(self._pipeline_for(job))
        if wrong := arguments.unsupported(call, job):
            raise wrong
        check_scheduler(self._schedulers, job.options.scheduler)
        check_adapters(self._pipeline, job.adapters)
        check_references(self._pipeline, self._references, job.references)
        unheard = (*arguments.ignored(call, job), *self._ignored_inputs.warnings(job, self.default_guidance))
        return (*vocabulary.warnings(job.prompt, self._words), *unheard)

    def render(self, job: Job, on_step: OnStep) -> NDArray[np.uint8]:
        """RGB pixels (uint8, height x width x 3), equal for equal jobs. Raises ModelFault as `render_batch`."""
        return self.render_batch([job], on_step)[0]

    def render_batch(self, jobs: Sequence[Job], on_step: OnStep) -> list[NDArray[np.uint8]]:
        """Pictures of jobs that are alike (see `queue.alike`), each from its own seed.

        Raises:
            ModelError: the pipeline gave another number of pictures, or numbers that are not finite; or an adapter does
                not fit it, or is another file than its card says.
        """
        import torch  # noqa: PLC0415 - see service.generation.diffusers.loading

        job = jobs[0]  # what they share is the same in all
        with self._lock:
            on_step(0, job.done_steps)  # it may have been given up while it waited
            pipeline = self._pipeline_for(job)
            seeded = [torch.Generator("cpu").manual_seed(one.seed) for one in jobs]
            on, by = self._attachments.on(pipeline, job.adapters), scheduled(pipeline, job.options.scheduler)
            after = self._after(pipeline, job)
            with on, by, after as given, torch.inference_mode(), self._quickened(job), self._steered(job):
                drawn = pipeline(
                    **given,
                    generator=seeded if len(jobs) > 1 else seeded[0],
                    output_type="np",
                    **self._arguments(jobs),
                    **self._callback(pipeline, job, on_step),
                ).images
        pictures = _pixels(drawn, jobs)
        return [rgb if job.canvas is None else kept(rgb, job.canvas) for rgb in pictures]

    def _pipeline_for(self, job: Job) -> Any:
        """The pipeline that draws this job. All of them share one set of weights. Raises BadRequest: there is none."""
        if job.canvas is None:
            return self._pipeline
        masked = job.canvas.mask is not None
        found = self._redrawers[masked]
        if found is None:
            what = "into a part of a picture" if masked else "on a picture"
            raise BadRequest(
                f"{type(self._pipeline).__name__} cannot draw {what}",
                hint="Leave the picture out, or use another model.",
            )
        return found

    def _after(self, pipeline: Any, job: Job) -> contextlib.AbstractContextManager[dict[str, Any]]:
        if job.references is None or self._references is None:
            return contextlib.nullcontext({})
        return self._references.on(pipeline, job.references)

    def _callback(self, pipeline: Any, job: Job, on_step: OnStep) -> dict[str, Any]:
        told = arguments.progress(arguments.takes(pipeline), job, on_step)
        if job.canvas is None or job.canvas.mask is None or not blends(pipeline):
            return told
        return {"callback_on_step_end": Blending(pipeline, job.canvas, job.seed, told["callback_on_step_end"])}

    def _arguments(self, jobs: Sequence[Job]) -> dict[str, Any]:
        """What the pipeline is called with, but for the seeds and the callback."""
        job = jobs[0]
        call = arguments.takes(self._pipeline_for(job))
        return {
            **arguments.words(call, jobs, self._ignored_inputs.heard),
            **arguments.size(call, job),
            **arguments.picture(call, job),
            **arguments.guidance(call, job),
            **arguments.options(call, self._options),
            "num_inference_steps": job.steps,
        }

    def _check_size(self, job: Job) -> None:
        size = (job.width, job.height)
        if self._options.get("sizes") == "native" and size != self.default_size:
            width, height = self.default_size
            raise BadRequest(
                f"{self.identity.name} draws {width}x{height} px, not {job.width}x{job.height}",
                hint=f"Leave the size out, ask for {width}x{height}, or have it enlarged: upscale=lanczos.",
            )
        multiple = _multiple(self._pipeline)
        if any(side % multiple or side > _LARGEST_SIDE for side in size):
            raise BadRequest(
                f"a size of {job.width}x{job.height} px cannot be drawn",
                hint=f"Use multiples of {multiple} up to {_LARGEST_SIDE}.",
            )

    @contextlib.contextmanager
    def _quickened(self, job: Job) -> Iterator[None]:
        with contextlib.ExitStack() as parts:
            for part in self._parts if not job.adapters and job.references is None else ():
                parts.enter_context(part.instead())
            yield

    def _steered(self, job: Job) -> contextlib.AbstractContextManager[None]:
        if not job.steering:
            return contextlib.nullcontext()
        concept = self._ignored_inputs.heard(CONCEPT)
        return steered(self._pipeline, STRENGTHS[job.steering - 1], job.done_steps, concept)


def _own_size(pipeline: Any, call: arguments.Takes) -> tuple[int, int]:
    """(width, height) that the model was trained for, as its configuration says, in pixels."""
    denoiser = getattr(pipeline, "unet", None) or getattr(pipeline, "transformer", None)
    trained = getattr(getattr(denoiser, "config", None), "sample_size", None)
    latent = getattr(pipeline, "default_sample_size", None) or trained
    if latent is None:
        width, height = (arguments.default(call, side) or _USUAL_SIDE for side in ("width", "height"))
        return int(width), int(height)
    rows, columns = latent if isinstance(latent, list | tuple) else (latent, latent)
    return int(columns) * int(pipeline.vae_scale_factor), int(rows) * int(pipeline.vae_scale_factor)


def _multiple(pipeline: Any) -> int:
    """Sides must be multiples of this many pixels: of a latent pixel, and of a patch of the transformer's."""
    scale = int(getattr(pipeline, "vae_scale_factor", 1))
    packed = getattr(getattr(pipeline, "image_processor", None), "config", {}).get("vae_scale_factor", 1)
    patch = getattr(getattr(getattr(pipeline, "transformer", None), "config", None), "patch_size", 1)
    return max(_LEAST_MULTIPLE, int(packed), scale * (patch if isinstance(patch, int) else 1))


def _pixels(drawn: Any, jobs: Sequence[Job]) -> list[NDArray[np.uint8]]:
    values, job = np.asarray(drawn), jobs[0]
    if values.shape != (len(jobs), job.height, job.width, 3):
        raise ModelFault(f"the pipeline gave an array of shape {values.shape} for {len(jobs)} pictures")
    if not np.isfinite(values).all():
        raise ModelFault("the pipeline gave numbers that are not finite")
    return list(np.round(np.clip(values, 0, 1) * 255).astype(np.uint8))
