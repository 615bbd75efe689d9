"""The scheduler of one job: chosen by name, and restored afterwards."""

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
"""Training settings: a scheduler that does not support one silently produces grey or noise."""


def compatible_schedulers(pipeline: Any) -> tuple[Scheduler, ...]:
    """The schedulers this pipeline can use: its own, and those that diffusers lists as compatible and that support
    the model's training settings."""
    own = pipeline.scheduler
    known = {type(own).__name__, *(kind.__name__ for kind in own.compatibles)}
    return tuple(name for name in SCHEDULERS if _CLASSES[name] in known and _supports(name, own.config))


def check_scheduler(usable: Sequence[Scheduler], name: Scheduler | None) -> None:
    """Raise BadRequest unless `name` is None or one of the `usable` schedulers."""
    if name is not None and name not in usable:
        raise BadRequest(
            f"this model does not support the scheduler {name}",
            hint=f"Use {', '.join(usable)}, or leave it out." if usable else "Leave it out.",
        )


@contextlib.contextmanager
def use_scheduler(pipeline: Any, name: Scheduler | None) -> Iterator[None]:
    """Use a fresh scheduler of that name inside the block, and restore the pipeline's own after it.

    Raises BadRequest as `check_scheduler`.
    """
    if name is None:
        yield
        return
    check_scheduler(compatible_schedulers(pipeline), name)
    own = pipeline.scheduler
    pipeline.scheduler = _class(name).from_config(own.config)
    try:
        yield
    finally:
        pipeline.scheduler = own


def _supports(name: Scheduler, config: Mapping[str, Any]) -> bool:
    parameters = inspect.signature(_class(name).__init__).parameters
    return all(setting in parameters for setting in _TRAINED_WITH if config.get(setting))


def _class(name: Scheduler) -> Any:
    import diffusers  # noqa: PLC0415 - an extra

    return getattr(diffusers, _CLASSES[name])
