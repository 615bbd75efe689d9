"""Image generation with any text-to-image pipeline of diffusers: SD 1.x/2.x, SDXL, SD3, FLUX and others.

The pipeline's own safety checker and watermark are disabled: the gateway checks the final pixels, with that checker
and others, and marks them.
"""

import contextlib
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models import ModelFault
from service.generation.backend import Job, ModelIdentity, OnStep
from service.generation.canvas import restore_unmasked
from service.generation.diffusers import arguments
from service.generation.diffusers.adapter_attachments import AdapterAttachments, check_adapters
from service.generation.diffusers.blending import Blending
from service.generation.diffusers.ignored_inputs import IgnoredInputs
from service.generation.diffusers.image_to_image import image_to_image_pipeline, needs_blending
from service.generation.diffusers.ip_adapter import IPAdapter, check_references
from service.generation.diffusers.safe_guidance import steered
from service.generation.diffusers.schedulers import check_scheduler, compatible_schedulers, use_scheduler
from service.generation.diffusers.supported_pipelines import steerable
from service.generation.embedded import vocabulary
from service.generation.safe_latent_diffusion import CONCEPT, STRENGTHS
from service.kit.errors import BadRequest

_MIN_MULTIPLE = 8
_MAX_SIDE = 2048
_DEFAULT_SIDE = 1024  # for pipelines whose folder does not say
_DEFAULT_GUIDANCE = 1.0
_DEFAULT_STEPS = 50


class DiffusersBackend:
    """One loaded pipeline. Runs one call at a time: a scheduler keeps state between steps."""

    def __init__(
        self,
        pipeline: Any,
        identity: ModelIdentity,
        folder: Path,
        options: Mapping[str, Any] | None = None,
        references: IPAdapter | None = None,
    ) -> None:
        """`folder`: where the pipeline was loaded from. `references`: the IP-Adapter for reference images.

        `options`: `steps`, `guidance`, `guidance_rescale`, `max_sequence_length`, `sizes` = "native", `words` (the
        vocabulary) and `shown_words` (those of it that name something to see), `prompt_tokens` (a limit below the
        tokenizer's own).
        """
        self.identity = identity
        self.folder = folder
        self._pipeline = pipeline
        self._options = dict(options or {})
        self._call = arguments.parameters(pipeline)
        self._words = frozenset(self._options.get("words", ()))
        self._shown_words = frozenset(self._options.get("shown_words", ()))
        self._schedulers = compatible_schedulers(pipeline)
        # Created now, not at the first edit: a running job swaps components, and these pipelines would keep them.
        self._edit_pipelines = {masked: image_to_image_pipeline(pipeline, masked=masked) for masked in (False, True)}
        self._ignored_inputs = IgnoredInputs(pipeline, self._options)
        self._attachments = AdapterAttachments(pipeline)
        self._references = references
        self._lock = threading.Lock()

    @property
    def default_size(self) -> tuple[int, int]:
        return _own_size(self._pipeline, self._call)

    @property
    def reference_digest(self) -> str:
        return self._references.digest if self._references else ""

    def fitting(self, width: int, height: int) -> tuple[int, int]:
        """The aspect ratio of that image with the model's own area: at much larger areas models repeat content."""
        if self._options.get("sizes") == "native":
            return self.default_size
        own_width, own_height = self.default_size
        scale = (own_width * own_height / (width * height)) ** 0.5
        return self.nearest_size(width * scale, height * scale)

    def nearest_size(self, width: float, height: float) -> tuple[int, int]:
        """The same size in whole steps of the model, up to its largest."""
        if self._options.get("sizes") == "native":
            return self.default_size
        multiple = _multiple(self._pipeline)
        largest = _MAX_SIDE // multiple * multiple
        wide, high = (min(max(round(side / multiple) * multiple, multiple), largest) for side in (width, height))
        return wide, high

    @property
    def default_steps(self) -> int:
        return int(self._options.get("steps", arguments.default(self._call, "num_inference_steps") or _DEFAULT_STEPS))

    @property
    def high_steps(self) -> int:
        return int(self._options.get("steps_high", self.default_steps))

    @property
    def default_guidance(self) -> float:
        name = arguments.guidance_name(self._call)
        own = arguments.default(self._call, name) if name else None
        return float(self._options.get("guidance", _DEFAULT_GUIDANCE if own is None else own))

    @property
    def most_steering(self) -> int:
        return len(STRENGTHS) if steerable(type(self._pipeline).__name__) else 0

    def check(self, job: Job) -> tuple[str, ...]:
        """Return warnings about unknown words, lettering and people, and inputs that have no effect.

        Raises:
            BadRequest: the size, the edit or another input of the job is not supported.
            NothingKnown: the model knows no word of the prompt, and nothing else says what to generate.
        """
        self._check_size(job)
        if job.done_steps < 1:
            raise BadRequest("strength times steps is below one step", hint="Use more steps or a higher strength.")
        call = arguments.parameters(self._pipeline_for(job))
        if wrong := arguments.unsupported(call, job):
            raise wrong
        check_scheduler(self._schedulers, job.options.scheduler)
        check_adapters(self._pipeline, job.adapters)
        check_references(self._pipeline, self._references, job.references)
        if job.canvas is None and job.references is None and not job.adapters:
            vocabulary.check_known(job.prompt, self._shown_words)
        ignored = (*arguments.ignored(call, job), *self._ignored_inputs.warnings(job, self.default_guidance))
        return (*vocabulary.warnings(job.prompt, self._words), *ignored)

    def render(self, job: Job, on_step: OnStep) -> NDArray[np.uint8]:
        """Return RGB pixels (uint8, height x width x 3), equal for equal jobs. Raises ModelError as `render_batch`."""
        return self.render_batch([job], on_step)[0]

    def render_batch(self, jobs: Sequence[Job], on_step: OnStep) -> list[NDArray[np.uint8]]:
        """Return the images of a batch of compatible jobs (see `queue.batch_key`), each from its own seed.

        Raises:
            ModelError: the pipeline returned the wrong shape or values that are not finite, or an adapter does not fit
                the model or differs from its card.
        """
        import torch  # noqa: PLC0415 - see service.generation.diffusers.loading

        job = jobs[0]  # represents what all of them share
        with self._lock:
            on_step(0, job.done_steps)  # stops here if it was cancelled while waiting for the lock
            pipeline = self._pipeline_for(job)
            generators = [torch.Generator("cpu").manual_seed(one.seed) for one in jobs]
            adapters = self._attachments.attached(pipeline, job.adapters)
            scheduler = use_scheduler(pipeline, job.options.scheduler)
            references = self._with_references(pipeline, job)
            with adapters, scheduler, references as extra, torch.inference_mode(), self._steered(job):
                output = pipeline(
                    **extra,
                    generator=generators if len(jobs) > 1 else generators[0],
                    output_type="np",
                    **self._arguments(jobs),
                    **self._callback(pipeline, job, on_step),
                ).images
        images = _pixels(output, jobs)
        return [rgb if job.canvas is None else restore_unmasked(rgb, job.canvas) for rgb in images]

    def _pipeline_for(self, job: Job) -> Any:
        """The pipeline for this job; all share one set of weights. Raises BadRequest if there is none."""
        if job.canvas is None:
            return self._pipeline
        masked = job.canvas.mask is not None
        found = self._edit_pipelines[masked]
        if found is None:
            what = "a masked area of an image" if masked else "an image"
            raise BadRequest(
                f"{type(self._pipeline).__name__} cannot edit {what}",
                hint="Leave the image out, or use another model.",
            )
        return found

    def _with_references(self, pipeline: Any, job: Job) -> contextlib.AbstractContextManager[dict[str, Any]]:
        if job.references is None or self._references is None:
            return contextlib.nullcontext({})
        return self._references.attached(pipeline, job.references)

    def _callback(self, pipeline: Any, job: Job, on_step: OnStep) -> dict[str, Any]:
        callback = arguments.progress(arguments.parameters(pipeline), job, on_step)
        if job.canvas is None or job.canvas.mask is None or not needs_blending(pipeline):
            return callback
        return {"callback_on_step_end": Blending(pipeline, job.canvas, job.seed, callback["callback_on_step_end"])}

    def _arguments(self, jobs: Sequence[Job]) -> dict[str, Any]:
        """The pipeline's arguments, except generators and callback."""
        job = jobs[0]
        call = arguments.parameters(self._pipeline_for(job))
        return {
            **arguments.prompts(call, jobs, self._ignored_inputs.truncate),
            **arguments.size(call, job),
            **arguments.image(call, job),
            **arguments.guidance(call, job),
            **arguments.options(call, self._options),
            "num_inference_steps": job.steps,
        }

    def _check_size(self, job: Job) -> None:
        size = (job.width, job.height)
        if self._options.get("sizes") == "native" and size != self.default_size:
            width, height = self.default_size
            raise BadRequest(
                f"{self.identity.name} generates {width}x{height} px, not {job.width}x{job.height}",
                hint=f"Leave the size out, use {width}x{height}, or upscale with upscale=lanczos.",
            )
        multiple = _multiple(self._pipeline)
        if any(side % multiple or side > _MAX_SIDE for side in size):
            raise BadRequest(
                f"a size of {job.width}x{job.height} px is not supported",
                hint=f"Use multiples of {multiple} up to {_MAX_SIDE}.",
            )

    def _steered(self, job: Job) -> contextlib.AbstractContextManager[None]:
        if not job.steering:
            return contextlib.nullcontext()
        concept = self._ignored_inputs.truncate(CONCEPT)
        return steered(self._pipeline, STRENGTHS[job.steering - 1], job.done_steps, concept)


def _own_size(pipeline: Any, call: arguments.Parameters) -> tuple[int, int]:
    """(width, height) in pixels that the model was trained for, from its configuration."""
    denoiser = getattr(pipeline, "unet", None) or getattr(pipeline, "transformer", None)
    trained = getattr(getattr(denoiser, "config", None), "sample_size", None)
    latent = getattr(pipeline, "default_sample_size", None) or trained
    if latent is None:
        width, height = (arguments.default(call, side) or _DEFAULT_SIDE for side in ("width", "height"))
        return int(width), int(height)
    rows, columns = latent if isinstance(latent, list | tuple) else (latent, latent)
    return int(columns) * int(pipeline.vae_scale_factor), int(rows) * int(pipeline.vae_scale_factor)


def _multiple(pipeline: Any) -> int:
    """Sides must be multiples of this many pixels: those of a latent pixel or of a transformer patch."""
    scale = int(getattr(pipeline, "vae_scale_factor", 1))
    packed = getattr(getattr(pipeline, "image_processor", None), "config", {}).get("vae_scale_factor", 1)
    patch = getattr(getattr(getattr(pipeline, "transformer", None), "config", None), "patch_size", 1)
    return max(_MIN_MULTIPLE, int(packed), scale * (patch if isinstance(patch, int) else 1))


def _pixels(output: Any, jobs: Sequence[Job]) -> list[NDArray[np.uint8]]:
    values, job = np.asarray(output), jobs[0]
    if values.shape != (len(jobs), job.height, job.width, 3):
        raise ModelFault(f"the pipeline returned an array of shape {values.shape} for {len(jobs)} images")
    if not np.isfinite(values).all():
        raise ModelFault("the pipeline returned values that are not finite")
    return list(np.round(np.clip(values, 0, 1) * 255).astype(np.uint8))
