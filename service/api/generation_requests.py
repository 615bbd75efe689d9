"""Requests for images, in the shape of OpenAI's Images API. Fields of an order derive from its declaration."""

import secrets
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import (
    ConfigDict,
    Field,
    JsonValue,
    ValidationError,
    ValidationInfo,
    create_model,
    field_validator,
    model_validator,
)

from service.api.openai_fields import OpenAIFields
from service.gateway.order import DRAWN_SEEDS, LARGEST_SEED, Order
from service.kit.errors import BadRequest, bad_field
from service.kit.strict_schema import StrictModel
from service.kit.surface import SurfaceField, surface_fields

VARIATION = "a picture"
"""The prompt of a variation: one that every model understands and that asks for nothing."""

_ASYNC = "async"  # no name that a class statement could give to a field
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
    if not edits_only:
        fields[_ASYNC] = (bool, Field(False, description="Answer at once with a job (202); see docs/jobs.md."))
    return create_model(f"{base.__name__}Fields", __base__=base, **fields)


def _offered() -> Iterator[SurfaceField]:
    return (field for field in surface_fields(Order) if field.surface.api and not field.is_file)


def _json_field(field: SurfaceField) -> tuple[Any, Any]:
    """Type and default of a field in JSON, which has lists instead of tuples."""
    kind = list[field.item] if field.repeated else field.info.annotation  # type: ignore[name-defined] # built at run time
    default = [] if field.repeated else field.info.default
    limits = (*field.info.metadata, Field(description=field.info.description))
    return Annotated[(kind, *limits)], ... if field.info.is_required() else default


_NAMES = {field.name: str(field.surface.api) for field in _offered()} | {"width": "size", "height": "size"}
"""What the fields of an order are called in a request."""

if TYPE_CHECKING:
    _OrderFields = OpenAIFields
else:
    _OrderFields = _derived(OpenAIFields, edits_only=False)


class ImageGenerationRequest(_OrderFields):
    """OpenAI's request plus the fields of an order. Unknown fields are refused by name; null is unset."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    @property
    def in_background(self) -> bool:
        """Whether the request asks for a job."""
        return bool(getattr(self, _ASYNC))

    @model_validator(mode="after")
    def _jobs_have_their_own_events(self) -> Self:
        if self.in_background and self.stream:
            raise ValueError("async and stream do not go together: follow the job's events instead")
        return self

    @field_validator("*", mode="before")
    @classmethod
    def _whole_numbers_are_numbers(cls, value: object, info: ValidationInfo) -> object:
        """JSON does not tell 5 from 5.0."""
        is_float = cls.model_fields[str(info.field_name)].annotation == float | None
        return float(value) if is_float and type(value) is int and abs(value) < _LARGEST_EXACT else value


if TYPE_CHECKING:
    _EditFields = ImageGenerationRequest
else:
    _EditFields = _derived(ImageGenerationRequest, edits_only=True)


class ImageEditRequest(_EditFields):
    """The fields of `/v1/images/generations`, also as text of a form, and those that belong to input images."""

    model_config = ConfigDict(strict=False)


if TYPE_CHECKING:
    _VariationFields = ImageEditRequest
else:
    _own = "What the variation shows. Default: only another version of the image."
    _kind = Annotated[(str, *ImageEditRequest.model_fields["prompt"].metadata)]
    _VariationFields = create_model(
        "VariationFields", __base__=ImageEditRequest, prompt=(_kind, Field(VARIATION, description=_own))
    )


class ImageVariationRequest(_VariationFields):
    """The same, with a prompt that leaves everything to the image if none is sent."""


def orders_of(request: ImageGenerationRequest, files: Mapping[str, Any]) -> list[Order]:
    """The `n` orders of a request. `files`: input images, by the order's field.

    Raises:
        BadRequest: fields that do not go together.
    """
    first = secrets.randbelow(DRAWN_SEEDS - request.n) if _seed(request) is None else _seed(request)
    if first + request.n - 1 > LARGEST_SEED:
        raise BadRequest("seed + n is beyond the largest seed", param="seed")
    width, height = (None, None) if request.size == "auto" else map(int, request.size.split("x"))
    values = {field.name: _order_value(field, request) for field in _offered() if _has(request, field)}
    values |= {
        "width": width,
        "height": height,
        "nearest_size": True,
        "quality": request.order_quality,
        "format": request.output_format,
        **files,
    }
    try:
        return [Order(**{**values, "seed": first + index}) for index in range(request.n)]
    except ValidationError as wrong:
        raise bad_field(wrong.errors(include_input=False, include_url=False), _NAMES) from None


def _has(request: ImageGenerationRequest, field: SurfaceField) -> bool:
    return field.surface.api in type(request).model_fields


def _order_value(field: SurfaceField, request: ImageGenerationRequest) -> Any:
    value = getattr(request, str(field.surface.api))
    return tuple(value) if field.repeated else value


def _seed(request: ImageGenerationRequest) -> Any:
    return getattr(request, "seed")  # noqa: B009 - a derived field
