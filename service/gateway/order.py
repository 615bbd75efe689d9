"""What a client orders: one image, with everything it may say about it."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from service.adapters.registry import AdapterChoice
from service.generation import Upscale
from service.generation.schedulers import Scheduler
from service.likeness.schemas import GrantNumber, Scope
from service.media.pictures import OutputFormat

LONGEST_PROMPT = 2000
LARGEST_SEED = 2**63 - 1
MOST_STEPS = 150
SafetyThreshold = Annotated[
    float | None,
    Field(
        gt=0, le=1, allow_inf_nan=False, description="Refuse from this score already; never laxer than the operator."
    ),
]
Quality = Literal["standard", "high"]
"""`high` takes the steps that the model names for it; `steps` in the order has the last word."""
Upscaled = Annotated[
    Upscale | None, Field(description="Draw at the model's own size and enlarge by this method; said in the manifest.")
]
LikenessScope = Annotated[
    Scope | None,
    Field(
        description="What the likeness is used for; every grant must allow it. Unset: `edit` with a picture sent in, "
        "else `portrait`."
    ),
]
ReferenceScale = Annotated[
    float | None,
    Field(gt=0, le=1, allow_inf_nan=False, description="How much it takes after the reference pictures; unset: 0.6."),
]
Strength = Annotated[
    float | None,
    Field(
        gt=0,
        le=1,
        allow_inf_nan=False,
        description="How much of the picture sent in to draw anew; unset: 0.8, in a masked part 1.",
    ),
]


class Order(BaseModel):
    """What a client wishes. Unknown fields are refused: there is no `safety_checker`, no `output_type`, no latents."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, ser_json_bytes="base64", val_json_bytes="base64"
    )

    prompt: str = Field(min_length=1, max_length=LONGEST_PROMPT)
    negative_prompt: str = Field("", max_length=LONGEST_PROMPT)
    seed: int | None = Field(None, ge=0, le=LARGEST_SEED, description="Unset: drawn at random and reported.")
    width: int | None = Field(None, ge=64, le=4096, description="Pixels; unset: the model's own size.")
    height: int | None = Field(None, ge=64, le=4096, description="Pixels; unset: the model's own size.")
    steps: int | None = Field(None, ge=1, le=MOST_STEPS)
    quality: Quality = "standard"
    upscale: Upscaled = None
    guidance: float | None = Field(None, ge=0, le=50, allow_inf_nan=False)
    scheduler: Scheduler | None = Field(None, description="Unset: the model's own.")
    format: OutputFormat = "png"
    safety_threshold: SafetyThreshold = None
    adapters: tuple[AdapterChoice, ...] = Field(
        (), max_length=4, description="Adapters of the operator's list: NAME or NAME:SCALE, scale 0 to 2."
    )
    grants: tuple[GrantNumber, ...] = Field(
        (), max_length=8, description="Grants of people whose likeness it may show."
    )
    scope: LikenessScope = None
    image: bytes | None = Field(None, repr=False, description="File of the picture to change.")
    mask: bytes | None = Field(
        None, repr=False, description="File that is transparent, or else white, where the picture is drawn anew."
    )
    strength: Strength = None
    references: tuple[bytes, ...] = Field(
        (), max_length=4, repr=False, description="Files of pictures that it shall take after."
    )
    reference_scale: ReferenceScale = None

    @model_validator(mode="after")
    def _changes_need_a_picture(self) -> Self:
        if self.image is None and not (self.mask is None and self.strength is None):
            raise ValueError("mask and strength belong to a picture to change: send `image` with them")
        return self

    @model_validator(mode="after")
    def _a_scale_needs_references(self) -> Self:
        if self.reference_scale is not None and not self.references:
            raise ValueError("reference_scale belongs to reference pictures: send some with it")
        return self

    @property
    def use(self) -> Scope:
        """What the likeness is used for."""
        return self.scope or ("portrait" if self.image is None else "edit")
