"""What the operator decides about every order."""

from dataclasses import dataclass

from service.labels.labelling import NO_LABELS, Labels
from service.media.pictures import ImageLimits

OWN_FILE_LIMITS = ImageLimits(max_bytes=1 << 30, max_pixels=1 << 28)
"""For files that the gateway itself made and reads back."""


@dataclass(frozen=True, slots=True)
class GatewayOptions:
    """The signer, the refusal threshold, and time limits in seconds.

    `provider`: the name in every manifest. `safety_threshold`: score in (0, 1] from which an image is refused.
    `screen_timeout`: of each check. `render_timeout`: of generating an image, without waiting for its turn.
    `limits`: the largest input image. `steering_retries`: how often an unsafe image is generated again, steered
    away from what made it unsafe. `finish_timeout`: of watermarking, signing and proving, each.
    `energy_in_manifest`: state in the manifest what the image took to generate. `labels`: the laws switched on.
    `min_edit_area`: the least share of its input that an edit must change, 0..1. `thumbnail`: longest side in pixels
    of the preview in the Content Credential; 0 for none.
    """

    provider: str
    safety_threshold: float
    screen_timeout: float
    render_timeout: float
    limits: ImageLimits
    steering_retries: int = 0
    finish_timeout: float = 60.0
    energy_in_manifest: bool = False
    labels: Labels = NO_LABELS
    min_edit_area: float = 0.01
    thumbnail: int = 0
