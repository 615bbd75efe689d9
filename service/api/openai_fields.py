"""The fields of OpenAI's Images API that are not fields of an order: what they mean here, and which have no effect."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from service.gateway.order import Quality
from service.kit.strict_schema import StrictModel
from service.media.pictures import OutputFormat

QualityName = Literal["auto", "standard", "low", "medium", "high", "hd", "xhigh", "max"]

_QUALITIES: Mapping[QualityName, Quality] = {"high": "high", "hd": "high", "xhigh": "high", "max": "high"}
_OWN_QUALITIES: tuple[QualityName, ...] = ("auto", "standard", "high")
_NOT_STORED = "Accepted and not stored."
_ABSENT = "Not supported; null is accepted."


@dataclass(frozen=True, slots=True)
class WithoutEffect:
    """Metadata of a field that changes nothing. `warning`: what the response says if it was set."""

    warning: str


class OpenAIFields(StrictModel):
    """Fields that clients of OpenAI's API send. Null is the same as leaving a field out, for every field.

    What would weaken a check, or show an image before it passed them, has no effect, and the response says so: an
    image is screened in full whatever `moderation` says, and no partial image is sent.
    """

    n: int = Field(1, ge=1, le=10, description="Number of images.")
    size: str = Field(
        "auto",
        pattern=r"^(auto|\d{2,4}x\d{2,4})$",
        description="`auto` or WIDTHxHEIGHT; the model's nearest size, with a warning, if it has not that one.",
    )
    response_format: Literal["b64_json", "url"] = Field(
        "b64_json", description="`url` gives a data: URL; images are not kept on the server."
    )
    output_format: OutputFormat = "png"
    model: str | None = Field(
        None, max_length=200, description="If given, the name of the served model or one of the operator's aliases."
    )
    quality: QualityName = Field("auto", description="`high` and above take more steps, if the model can.")
    stream: bool = Field(False, description="Answer with an event stream: one event for each released image.")
    background: Literal["auto", "opaque"] = "auto"
    user: str | None = Field(None, max_length=200, description=_NOT_STORED)
    safety_identifier: str | None = Field(None, max_length=200, description=_NOT_STORED)
    moderation: Annotated[
        Literal["auto", "low"], WithoutEffect("moderation has no effect: every image is screened in full")
    ] = "auto"
    partial_images: Annotated[
        int,
        Field(ge=0, le=3),
        WithoutEffect("no partial images are sent: an image leaves only once it has passed every check"),
    ] = 0
    style: Annotated[Literal["vivid", "natural"] | None, WithoutEffect("style has no effect")] = None
    input_fidelity: Annotated[Literal["low", "high"] | None, WithoutEffect("input_fidelity has no effect")] = None
    complexity: Annotated[Literal["low", "medium", "high"] | None, WithoutEffect("complexity has no effect")] = None
    svg: None = Field(None, description=_ABSENT)
    frame_count: None = Field(None, description=_ABSENT)
    frame_duration_ms: None = Field(None, description=_ABSENT)

    @model_validator(mode="before")
    @classmethod
    def _null_is_unset(cls, value: object) -> object:
        """Of the known fields: an unknown one is refused whatever it holds."""
        if not isinstance(value, dict):
            return value
        return {name: each for name, each in value.items() if each is not None or name not in cls.model_fields}

    @property
    def order_quality(self) -> Quality:
        return _QUALITIES.get(self.quality, "standard")

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was set and has no effect, or another one than its name says."""
        fields: Mapping[str, Any] = type(self).model_fields
        ignored = [
            meta.warning
            for name, info in fields.items()
            for meta in info.metadata
            if isinstance(meta, WithoutEffect) and getattr(self, name) != info.default
        ]
        taken = () if self.quality in _OWN_QUALITIES else (f"quality {self.quality} is {self.order_quality} here",)
        return (*ignored, *taken)
