"""Schedulers by name: how the noise is taken away."""

from typing import Literal, get_args

Scheduler = Literal["ddim", "euler", "euler_a", "heun", "dpmpp_2m", "deis", "unipc", "flow_euler"]
SCHEDULERS: tuple[Scheduler, ...] = get_args(Scheduler)
