"""What the operator decides about every order."""

from dataclasses import dataclass

from service.media.pictures import ImageLimits


@dataclass(frozen=True, slots=True)
class GatewayOptions:
    """Who signs, from which score an image is refused, how long stages may take, in seconds.

    `limits`: how large a picture may be that is sent in.
    `safe_retries`: how often an unsafe picture is drawn again, steered away from what made it so.
    `finish_timeout`: of marking, of signing and of proving each.
    `energy_in_manifest`: say in the manifest what drawing the picture cost.
    """

    provider: str
    safety_threshold: float
    screen_timeout: float
    render_timeout: float
    limits: ImageLimits
    safe_retries: int = 0
    finish_timeout: float = 60.0
    energy_in_manifest: bool = False
