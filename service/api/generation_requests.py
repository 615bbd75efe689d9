"""Requests for images, in the shape of OpenAI's Images API. Fields of an order derive from its declaration."""

import secrets
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import ConfigDict, Field, JsonValue, ValidationError, ValidationInfo, create_model, field_validator

from service.gateway.order import LARGEST_SEED, Order, Quality
from service.kit.errors import BadRequest, first_fault
from service.kit.strict_schema import StrictModel
from service.kit.surface import SurfaceField, surface_fields
from service.media.pictures import OutputFormat

_LARGEST_EXACT = 1 << 53  # above this a whole number has no exact float
_EXAMPLE: dict[str, JsonValue] = {
    "prompt": "a red fox in the snow at night",
    "n": 1,
    "seed": 7,
    "response_format": "b64_json",
}


def _derived(base: type[StrictModel], *, edits_only: bool) -> type[StrictModel]:
    """`base` with the fields of an order that the API offers, under their names there. Files are not among them."""
    chosen = [field for field in _offered() if field.surface.edits_only is edits_only]
    fields: dict[str, Any] = {str(field.surface.api): _json_field(field) for field in chosen}
    return create_model(f"{base.__name__}Fields", __base__=base, **fields)


def _offered() -> Iterator[SurfaceField]:
    return (field for field in surface_fields(Order) if field.surface.api and not field.is_file)


def _json_field(field: SurfaceField) -> tuple[Any, Any]:
    """Type and default of a field in JSON, which has lists instead of tuples."""
    kind = list[field.item] if field.repeated else field.info.annotation  # type: ignore[name-defined] # built at run time
    default = [] if field.repeated else field.info.default
    limits = (*field.info.metadata, Field(description=field.info.description))
    return Annotated[(kind, *limits)], ... if field.info.is_required() else default


if TYPE_CHECKING:
    _OrderFields = StrictModel
else:
    _OrderFields = _derived(StrictModel, edits_only=False)


class ImageGenerationRequest(_OrderFields):
    """OpenAI's request plus the fields of an order.

    Fields of OpenAI's that would change how an image is screened, or show it before it was (moderation="low",
    streaming, partial images), are accepted only with their harmless value. Unknown fields are refused.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    n: int = Field(1, ge=1, le=10, description="Number of images.")
    size: str = Field("auto", pattern=r"^(auto|\d{2,4}x\d{2,4})$", description="`auto` or WIDTHxHEIGHT.")
    response_format: Literal["b64_json", "url"] = Field(
        "b64_json", description="`url` gives a data: URL; images are not kept on the server."
    )
    output_format: OutputFormat = "png"
    model: str | None = Field(None, description="If given, must be the name of the served model.")
    user: str | None = Field(None, max_length=200, description="Accepted and not stored.")
    quality: Literal["auto", "standard", "high"] = Field(
        "auto", description="`high` takes more steps, if the model can."
    )
    background: Literal["auto", "opaque"] = "auto"
    moderation: Literal["auto"] = "auto"
    stream: Literal[False] = False

    @field_validator("n", "size", mode="before")
    @classmethod
    def _null_is_the_default(cls, value: object, info: ValidationInfo) -> object:
        """OpenAI's own schema allows null for both."""
        return cls.model_fields[str(info.field_name)].default if value is None else value

    @field_validator("*", mode="before")
    @classmethod
    def _whole_numbers_are_numbers(cls, value: object, info: ValidationInfo) -> object:
        """JSON does not tell 5 from 5.0."""
        is_float = cls.model_fields[str(info.field_name)].annotation == float | None
        return float(value) if is_float and type(value) is int and abs(value) < _LARGEST_EXACT else value

    @property
    def order_quality(self) -> Quality:
        return "high" if self.quality == "high" else "standard"


if TYPE_CHECKING:
    _EditFields = ImageGenerationRequest
else:
    _EditFields = _derived(ImageGenerationRequest, edits_only=True)


class ImageEditRequest(_EditFields):
    """The fields of `/v1/images/generations` as text of a form, and those that belong to input images."""

    model_config = ConfigDict(strict=False)

    @field_validator("stream", mode="before")
    @classmethod
    def _text_is_a_boolean(cls, value: object) -> object:
        return False if value == "false" else value


def orders_of(request: ImageGenerationRequest, files: Mapping[str, Any]) -> list[Order]:
    """The `n` orders of a request. `files`: input images, by the order's field.

    Raises:
        BadRequest: fields that do not go together.
    """
    first = secrets.randbelow(LARGEST_SEED - request.n) if _seed(request) is None else _seed(request)
    if first + request.n - 1 > LARGEST_SEED:
        raise BadRequest("seed + n is beyond the largest seed")
    width, height = (None, None) if request.size == "auto" else map(int, request.size.split("x"))
    values = {field.name: _order_value(field, request) for field in _offered() if _has(request, field)}
    values |= {
        "width": width,
        "height": height,
        "quality": request.order_quality,
        "format": request.output_format,
        **files,
    }
    try:
        return [Order(**{**values, "seed": first + index}) for index in range(request.n)]
    except ValidationError as wrong:
        raise BadRequest(first_fault(wrong.errors(include_input=False, include_url=False))) from None


def _has(request: ImageGenerationRequest, field: SurfaceField) -> bool:
    return field.surface.api in type(request).model_fields


def _order_value(field: SurfaceField, request: ImageGenerationRequest) -> Any:
    value = getattr(request, str(field.surface.api))
    return tuple(value) if field.repeated else value


def _seed(request: ImageGenerationRequest) -> Any:
    return getattr(request, "seed")  # noqa: B009 - a derived field
