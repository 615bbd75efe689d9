"""What a client orders: one image. Each field is declared here (or in ModelOptions) once: type, limits, help, and its
name in the API and on the command line, which derive from it.
"""

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from service.adapters.registry import AdapterChoice
from service.generation import ModelOptions
from service.kit.surface import Surface
from service.likeness.schemas import GrantNumber, Scope
from service.media.pictures import LEAST_QUALITY, LOSSY, OWN_QUALITY, OutputFormat

LONGEST_PROMPT = 2000
LARGEST_SEED = 2**63 - 1
DRAWN_SEEDS = 2**53
"""Seeds that nobody chose are below this: JavaScript rounds larger whole numbers, and would ask for another image."""
MOST_STEPS = 150
MOST_REFERENCES = 4
Quality = Literal["standard", "high"]


class Order(ModelOptions):
    """One image, as a client asks for it. Unknown fields are refused: no `safety_checker`, `output_type` or latents."""

    model_config = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    prompt: Annotated[
        str,
        Field(min_length=1, max_length=LONGEST_PROMPT, description="What the image shows."),
        Surface(api="prompt", cli="prompt"),
    ]
    negative_prompt: Annotated[
        str,
        Field(max_length=LONGEST_PROMPT, description="What the image must not show."),
        Surface(api="negative_prompt", cli="--negative"),
    ] = ""
    seed: Annotated[
        int | None,
        Field(
            ge=0,
            le=LARGEST_SEED,
            description="The same seed gives the same image; image k of n uses seed + k. Default: random and reported.",
        ),
        Surface(api="seed", cli="--seed"),
    ] = None
    width: int | None = Field(None, ge=64, le=4096, description="Pixels. Default: the model's own size.")
    height: int | None = Field(None, ge=64, le=4096, description="Pixels. Default: the model's own size.")
    nearest_size: bool = Field(
        False, description="Take the model's nearest size to the one asked for, with a warning, if it has not that one."
    )
    steps: Annotated[
        int | None,
        Field(ge=1, le=MOST_STEPS, description="Denoising steps. Default: the model's own."),
        Surface(api="num_inference_steps", cli="--steps"),
    ] = None
    quality: Annotated[
        Quality,
        Field(description="`high` takes more steps, if the model can; `steps` overrides it."),
        Surface(cli="--quality"),
    ] = "standard"
    guidance: Annotated[
        float | None,
        Field(
            ge=0, le=50, allow_inf_nan=False, description="How closely to follow the prompt. Default: the model's own."
        ),
        Surface(api="guidance_scale", cli="--guidance"),
    ] = None
    format: OutputFormat = "png"
    compression: Annotated[
        int | None,
        Field(
            ge=0,
            le=100,
            description=f"Quality of a JPEG, WebP or AVIF file, up to 100; below {LEAST_QUALITY} it is "
            f"{LEAST_QUALITY}, so that the watermark stays. Default: {OWN_QUALITY}.",
        ),
        Surface(api="output_compression", cli="--output-compression"),
    ] = None
    visible_label: Annotated[
        bool,
        Field(description="Draw a visible label into the image that says that it is AI-generated."),
        Surface(api="visible_label", cli="--visible-label"),
    ] = False
    safety_threshold: Annotated[
        float | None,
        Field(
            gt=0,
            le=1,
            allow_inf_nan=False,
            description="Refuse from this safety score; it can only be stricter than the operator's.",
        ),
        Surface(api="safety_threshold", cli="--safety-threshold"),
    ] = None
    adapters: Annotated[
        tuple[AdapterChoice, ...],
        Field(max_length=4, description="Adapters from the operator's list: NAME or NAME:SCALE, scale 0 to 2."),
        Surface(api="adapters", cli="--adapter"),
    ] = ()
    grants: Annotated[
        tuple[GrantNumber, ...],
        Field(max_length=8, description="Grants of the people whose likeness the image may show."),
        Surface(api="grants", cli="--grant"),
    ] = ()
    scope: Annotated[
        Scope | None,
        Field(
            description="What the likeness is used for; every grant must allow it. Default: `edit` with an input "
            "image, else `portrait`."
        ),
        Surface(api="scope", cli="--scope"),
    ] = None
    image: Annotated[
        bytes | None,
        Field(repr=False, description="The image to change; each face in it needs a grant."),
        Surface(api="image", cli="--image", edits_only=True),
    ] = None
    mask: Annotated[
        bytes | None,
        Field(
            repr=False,
            description="A mask of the same size: the image is changed where the mask is transparent or, without "
            "transparency, white. Default: the transparent pixels of the image; without any, all of it.",
        ),
        Surface(api="mask", cli="--mask", edits_only=True),
    ] = None
    strength: Annotated[
        float | None,
        Field(
            gt=0,
            le=1,
            allow_inf_nan=False,
            description="How much of the input image to generate anew, 0 to 1. Default: 0.8, with a mask 1.",
        ),
        Surface(api="strength", cli="--strength", edits_only=True),
    ] = None
    references: Annotated[
        tuple[bytes, ...],
        Field(
            max_length=MOST_REFERENCES,
            repr=False,
            description="Images that the result should resemble; each face in them needs a grant. Needs an IP-Adapter.",
        ),
        Surface(api="reference", cli="--reference", edits_only=True),
    ] = ()
    reference_scale: Annotated[
        float | None,
        Field(
            gt=0,
            le=1,
            allow_inf_nan=False,
            description="How much the result should resemble the reference images, 0 to 1. Default: 0.6.",
        ),
        Surface(api="reference_scale", cli="--reference-scale", edits_only=True),
    ] = None

    @model_validator(mode="after")
    def _edits_need_an_image(self) -> Self:
        if self.image is None and not (self.mask is None and self.strength is None):
            raise ValueError("mask and strength need an image to change: send `image` with them")
        return self

    @model_validator(mode="after")
    def _scale_needs_references(self) -> Self:
        if self.reference_scale is not None and not self.references:
            raise ValueError("reference_scale needs reference images: send some with it")
        return self

    @property
    def file_quality(self) -> int:
        """Quality of the file, if its format is lossy: `LEAST_QUALITY` to 100."""
        return OWN_QUALITY if self.compression is None else max(self.compression, LEAST_QUALITY)

    @property
    def file_warnings(self) -> tuple[str, ...]:
        """What of `compression` could not be done."""
        if self.compression is None:
            return ()
        if self.format not in LOSSY:
            return (f"output_compression has no effect: {self.format.upper()} files are lossless",)
        if self.compression < LEAST_QUALITY:
            return (f"output_compression was raised to {LEAST_QUALITY}: below it the watermark may be lost",)
        return ()

    @property
    def use(self) -> Scope:
        """What the likeness is used for."""
        return self.scope or ("portrait" if self.image is None else "edit")
