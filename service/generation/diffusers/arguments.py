"""What a pipeline is called with, by its signature: families name the same things differently, or lack them.

Each function answers for one concern and is pure; `DiffusersBackend.render` puts their answers together.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from PIL import Image

from service.generation.backend import Job, OnStep
from service.kit.errors import BadRequest

Takes = Mapping[str, inspect.Parameter]
"""The parameters of a pipeline's call, by name."""

BOTH = GUIDANCE, TRUE_GUIDANCE = "guidance_scale", "true_cfg_scale"
_OPTIONS = ("guidance_rescale", "max_sequence_length")  # what a card may set, where the call takes it


def takes(pipeline: Any) -> Takes:
    return inspect.signature(pipeline.__call__).parameters


def default(call: Takes, name: str) -> float | None:
    """The number that a parameter has by default; None where it has none, or is not there."""
    value = call[name].default if name in call else None
    return float(value) if isinstance(value, int | float) else None


def guidance_name(call: Takes) -> str | None:
    """The parameter that says how closely to follow the prompt; None where there is none.

    FLUX and its like have two: a number that the model was distilled with, and true guidance, which needs a negative
    prompt. Qwen-Image has the first in its signature and no default for it: it is for models to come.
    """
    named = [name for name in (GUIDANCE, TRUE_GUIDANCE) if default(call, name) is not None]
    return next(iter(named), GUIDANCE if GUIDANCE in call else None)


def unsupported(call: Takes, job: Job) -> BadRequest | None:
    """What the job asks for and this call has no place for."""
    if job.negative_prompt and "negative_prompt" not in call:
        return BadRequest("this model takes no negative prompt", hint="Leave it out; say what the picture shows.")
    return None


def ignored(call: Takes, job: Job) -> tuple[str, ...]:
    """Warnings about what the call takes and does not heed."""
    if job.negative_prompt and job.guidance <= 1:
        return ("the negative prompt has no effect: it needs a guidance above 1",)
    return ()


def words(call: Takes, jobs: Sequence[Job], heard: Callable[[str], str]) -> dict[str, Any]:
    """What is `heard` of the prompts of jobs that are alike: text for one, lists for several. An empty negative prompt
    is left to the pipeline, which knows what it was trained with."""
    given = {"prompt": [heard(job.prompt) for job in jobs]}
    if jobs[0].negative_prompt:
        given["negative_prompt"] = [heard(job.negative_prompt) for job in jobs]
    elif guidance_name(call) == TRUE_GUIDANCE:  # without any there is no guidance at all
        given["negative_prompt"] = [" "] * len(jobs)
    return given if len(jobs) > 1 else {name: texts[0] for name, texts in given.items()}


def guidance(call: Takes, job: Job) -> dict[str, float]:
    """The guidance under the name it has here; a negative prompt works by true guidance where there are both."""
    if job.negative_prompt and default(call, TRUE_GUIDANCE) is not None:
        return {TRUE_GUIDANCE: job.guidance}
    name = guidance_name(call)
    return {name: job.guidance} if name else {}


def size(call: Takes, job: Job) -> dict[str, Any]:
    """Width and height, drawn as such: a pipeline that draws a near size and resamples is told not to. Some that draw
    on a picture take its size."""
    binning = {"use_resolution_binning": False} if "use_resolution_binning" in call else {}
    sides = {"width": job.width, "height": job.height}
    return {**{side: pixels for side, pixels in sides.items() if side in call}, **binning}


def picture(call: Takes, job: Job) -> dict[str, Any]:
    """What is drawn on: the picture, the mask where the call takes one, and how much is drawn anew."""
    if job.canvas is None:
        return {}
    given = {"image": Image.fromarray(job.canvas.rgb), "strength": job.canvas.strength}
    if job.canvas.mask is not None:
        given["mask_image"] = Image.fromarray(job.canvas.mask)
    return {name: value for name, value in given.items() if name in call}


def options(call: Takes, chosen: Mapping[str, Any]) -> dict[str, Any]:
    """Options of the model's card."""
    return {name: chosen[name] for name in _OPTIONS if name in chosen and name in call}


def progress(call: Takes, job: Job, on_step: OnStep) -> dict[str, Any]:
    """The callback under the name it has here. A pipeline without one is stopped by the gateway's deadline alone."""

    steps = job.done_steps

    def step(_pipe: Any, index: int, _timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        on_step(min(index + 1, steps), steps)
        return tensors

    def older(index: int, _timestep: Any, _latents: Any) -> None:
        on_step(min(index + 1, steps), steps)

    if "callback_on_step_end" in call:
        return {"callback_on_step_end": step}
    return {"callback": older} if "callback_steps" in call else {}
