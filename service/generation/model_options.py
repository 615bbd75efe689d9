"""What an order may ask of the model beyond prompt, seed, size, steps and guidance.

Each is declared here once. Orders and jobs carry them, and the API, the command line and the docs derive from them; a
backend applies them.
"""

from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from service.kit.surface import Surface

Scheduler = Literal["ddim", "euler", "euler_a", "heun", "dpmpp_2m", "deis", "unipc", "flow_euler"]
SCHEDULERS: tuple[Scheduler, ...] = get_args(Scheduler)
Upscale = Literal["lanczos"]


class ModelOptions(BaseModel):
    """Unset options (None) are the model's own."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    scheduler: Annotated[
        Scheduler | None,
        Field(description="How noise is removed. Default: the model's own."),
        Surface(api="scheduler", cli="--scheduler"),
    ] = None
    upscale: Annotated[
        Upscale | None,
        Field(
            description="Generate at the model's own size and enlarge to the size asked for by this method; the "
            "manifest says so."
        ),
        Surface(api="upscale", cli="--upscale"),
    ] = None
