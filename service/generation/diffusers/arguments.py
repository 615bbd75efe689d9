"""Call arguments for a pipeline, derived from its signature: pipelines name the same things differently or lack them.

Each function is pure and covers one concern; `DiffusersBackend.render` combines their results.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from PIL import Image

from service.generation.backend import Job, OnStep
from service.kit.errors import BadRequest

Parameters = Mapping[str, inspect.Parameter]
"""The parameters of a pipeline's `__call__`, by name."""

BOTH = GUIDANCE, TRUE_GUIDANCE = "guidance_scale", "true_cfg_scale"
_OPTIONS = ("guidance_rescale", "max_sequence_length")  # a card may set these if the call takes them


def parameters(pipeline: Any) -> Parameters:
    return inspect.signature(pipeline.__call__).parameters


def default(call: Parameters, name: str) -> float | None:
    """The parameter's numeric default; None if it has none or does not exist."""
    value = call[name].default if name in call else None
    return float(value) if isinstance(value, int | float) else None


def guidance_name(call: Parameters) -> str | None:
    """The name of the guidance parameter; None if there is none.

    FLUX and its relatives have two: the distilled guidance, and true guidance, which needs a negative prompt.
    Qwen-Image declares the first one without a default, for future models.
    """
    candidates = [name for name in (GUIDANCE, TRUE_GUIDANCE) if default(call, name) is not None]
    return next(iter(candidates), GUIDANCE if GUIDANCE in call else None)


def unsupported(call: Parameters, job: Job) -> BadRequest | None:
    """The error for an input that this pipeline has no parameter for, if the job has one."""
    if job.negative_prompt and "negative_prompt" not in call:
        return BadRequest("this model takes no negative prompt", hint="Leave it out and describe what the image shows.")
    return None


def ignored(call: Parameters, job: Job) -> tuple[str, ...]:
    """Warnings about inputs that the pipeline accepts but ignores."""
    if job.negative_prompt and job.guidance <= 1:
        return ("the negative prompt has no effect: it needs guidance above 1",)
    return ()


def prompts(call: Parameters, jobs: Sequence[Job], truncate: Callable[[str], str]) -> dict[str, Any]:
    """The truncated prompts of a batch: strings for one job, lists for several. An empty negative prompt is left to
    the pipeline, which knows what it was trained with."""
    given = {"prompt": [truncate(job.prompt) for job in jobs]}
    if jobs[0].negative_prompt:
        given["negative_prompt"] = [truncate(job.negative_prompt) for job in jobs]
    elif guidance_name(call) == TRUE_GUIDANCE:  # without a negative prompt there is no guidance at all
        given["negative_prompt"] = [" "] * len(jobs)
    return given if len(jobs) > 1 else {name: texts[0] for name, texts in given.items()}


def guidance(call: Parameters, job: Job) -> dict[str, float]:
    """The guidance under this pipeline's name for it. If it has both kinds, a negative prompt needs true guidance."""
    if job.negative_prompt and default(call, TRUE_GUIDANCE) is not None:
        return {TRUE_GUIDANCE: job.guidance}
    name = guidance_name(call)
    return {name: job.guidance} if name else {}


def size(call: Parameters, job: Job) -> dict[str, Any]:
    """Width and height, without resolution binning (generating a nearby size and resampling). Some image-to-image
    pipelines take the size from the input image instead."""
    binning = {"use_resolution_binning": False} if "use_resolution_binning" in call else {}
    sides = {"width": job.width, "height": job.height}
    return {**{side: pixels for side, pixels in sides.items() if side in call}, **binning}


def image(call: Parameters, job: Job) -> dict[str, Any]:
    """The inputs of an edit: the image, the mask if the call takes one, and the strength."""
    if job.canvas is None:
        return {}
    given = {"image": Image.fromarray(job.canvas.rgb), "strength": job.canvas.strength}
    if job.canvas.mask is not None:
        given["mask_image"] = Image.fromarray(job.canvas.mask)
    return {name: value for name, value in given.items() if name in call}


def options(call: Parameters, chosen: Mapping[str, Any]) -> dict[str, Any]:
    """The options of the model's card that this call takes."""
    return {name: chosen[name] for name in _OPTIONS if name in chosen and name in call}


def progress(call: Parameters, job: Job, on_step: OnStep) -> dict[str, Any]:
    """The step callback under this pipeline's name for it. Without one, only the gateway's deadline stops the job."""

    steps = job.done_steps

    def step(_pipe: Any, index: int, _timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        on_step(min(index + 1, steps), steps)
        return tensors

    def legacy_step(index: int, _timestep: Any, _latents: Any) -> None:
        on_step(min(index + 1, steps), steps)

    if "callback_on_step_end" in call:
        return {"callback_on_step_end": step}
    return {"callback": legacy_step} if "callback_steps" in call else {}
