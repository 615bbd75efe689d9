"""Schedulers by name: how the noise is taken away, chosen for one picture and put back after it."""

import contextlib
import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from service.generation.model_options import SCHEDULERS, Scheduler
from service.kit.errors import BadRequest

_CLASSES: Mapping[Scheduler, str] = {
    "ddim": "DDIMScheduler",
    "euler": "EulerDiscreteScheduler",
    "euler_a": "EulerAncestralDiscreteScheduler",
    "heun": "HeunDiscreteScheduler",
    "dpmpp_2m": "DPMSolverMultistepScheduler",
    "deis": "DEISMultistepScheduler",
    "unipc": "UniPCMultistepScheduler",
    "flow_euler": "FlowMatchEulerDiscreteScheduler",
}
_TRAINED_WITH = ("prediction_type", "rescale_betas_zero_snr")
"""Settings of the training: a scheduler that does not know one draws grey or noise, and says nothing."""


def fitting(pipeline: Any) -> tuple[Scheduler, ...]:
    """The schedulers this pipeline can be drawn with: its own class, and those that diffusers calls compatible and
    that know how the model was trained."""
    own = pipeline.scheduler
    known = {type(own).__name__, *(kind.__name__ for kind in own.compatibles)}
    return tuple(name for name in SCHEDULERS if _CLASSES[name] in known and _knows(name, own.config))


def check(usable: Sequence[Scheduler], name: Scheduler | None) -> None:
    """Raises BadRequest where a pipeline for which these are `fitting` cannot be drawn with that scheduler."""
    if name is not None and name not in usable:
        raise BadRequest(
            f"this model cannot be drawn with the scheduler {name}",
            hint=f"Use {', '.join(usable)}, or leave it out." if usable else "Leave it out.",
        )


@contextlib.contextmanager
def scheduled(pipeline: Any, name: Scheduler | None) -> Iterator[None]:
    """Draw with a fresh scheduler of that name inside the block; afterwards the pipeline has its own again.

    Raises BadRequest as `check`.
    """
    if name is None:
        yield
        return
    check(fitting(pipeline), name)
    own = pipeline.scheduler
    pipeline.scheduler = _class(name).from_config(own.config)
    try:
        yield
    finally:
        pipeline.scheduler = own


def _knows(name: Scheduler, config: Mapping[str, Any]) -> bool:
    takes = inspect.signature(_class(name).__init__).parameters
    return all(setting in takes for setting in _TRAINED_WITH if config.get(setting))


def _class(name: Scheduler) -> Any:
    import diffusers  # noqa: PLC0415 - an extra

    return getattr(diffusers, _CLASSES[name])
