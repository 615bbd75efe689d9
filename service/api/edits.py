"""POST /v1/images/edits, in the shape of OpenAI's Images API: a picture, perhaps a mask, and what to make of it."""

from typing import Any

from fastapi import APIRouter, Request
from pydantic import ConfigDict, ValidationError, field_validator
from starlette.datastructures import FormData, UploadFile

from service.api.dependencies import CurrentServices
from service.api.images import REFUSALS, ImageGenerationRequest, Images, answer
from service.api.keys import CurrentClient
from service.api.problems import responses
from service.api.uploads import BINARY, check_charset, is_form
from service.gateway.order import ReferenceScale, Strength
from service.kit.errors import BadRequest, BrokenPicture, TooLarge, UnsupportedFormat, UnsupportedPixels, first_fault

_PICTURES = ("image", "mask", "reference")
_MOST_PICTURES = 6
_LISTS = ("grants", "adapters")
_MOST_FIELDS = 64


class ImageEditRequest(ImageGenerationRequest):
    """The fields of `/v1/images/generations` as text of a form, and what belongs to pictures."""

    model_config = ConfigDict(strict=False)

    strength: Strength = None
    reference_scale: ReferenceScale = None

    @field_validator("stream", mode="before")
    @classmethod
    def _text_is_a_truth_value(cls, value: object) -> object:
        return False if value == "false" else value


def _body() -> dict[str, Any]:
    """The form in OpenAPI: the model's fields, and files."""
    schema = ImageEditRequest.model_json_schema(ref_template="#/components/schemas/{model}")
    schema.pop("examples", None)
    schema["properties"] |= {
        "image": {**BINARY, "description": "The picture to change."},
        "mask": {**BINARY, "description": "As large as it; transparent, or else white, where it is drawn anew."},
        "reference": {
            "type": "array",
            "items": BINARY,
            "maxItems": 4,
            "description": "Pictures that it shall take after, with or without one to change; needs an IP-Adapter.",
        },
    }
    return {"required": True, "content": {"multipart/form-data": {"schema": schema}}}


router = APIRouter(tags=["gateway"])


@router.post(
    "/v1/images/edits",
    summary="ImageEditRequest a picture: whole, or where a mask says so",
    responses=responses(TooLarge, UnsupportedFormat, BrokenPicture, UnsupportedPixels, *REFUSALS),
    response_model_exclude_none=True,
    openapi_extra={"requestBody": _body()},
)
async def edit(request: Request, services: CurrentServices, client: CurrentClient) -> Images:
    """Every face in what is sent in needs a grant that allows the use; listed and unsafe pictures stay out. The
    answer is that of `/v1/images/generations`; its manifest names the picture, by its hash, as its parent."""
    if not is_form(request):
        raise BadRequest("the request is no form", hint="Send a form with `prompt` and a file called `image`.")
    check_charset(request)
    async with request.form(max_files=_MOST_PICTURES, max_fields=_MOST_FIELDS) as form:
        fields, pictures = await _parts(form)
    request_body = _wish(fields)
    more = {"strength": request_body.strength, "reference_scale": request_body.reference_scale}
    return await answer(request, services, client, request_body, {**pictures, **more})


async def _parts(form: FormData) -> tuple[dict[str, object], dict[str, Any]]:
    """Text fields, those that are lists as such, and the files as fields of an order. Raises BadRequest."""
    fields: dict[str, object] = {}
    pictures: dict[str, Any] = {}
    references: list[bytes] = []
    for key, value in form.multi_items():
        name = key.removesuffix("[]")
        if isinstance(value, UploadFile) != (name in _PICTURES):
            raise BadRequest("only `image`, `mask` and `reference` are files", hint="See the schema at /docs.")
        if isinstance(value, UploadFile) and name == "reference":
            references.append(await value.read())
        elif isinstance(value, UploadFile):
            _once(name, pictures)
            pictures[name] = await value.read()
        elif name in _LISTS:
            fields.setdefault(name, []).append(value)  # type: ignore[attr-defined]
        else:
            _once(name, fields)
            fields[name] = value
    if "image" not in pictures and not references:
        raise BadRequest("the form has no file called `image`", hint="Send the picture to change as `image`.")
    return fields, {**pictures, "references": tuple(references)}


def _once(name: str, there: dict[str, Any]) -> None:
    if name in there:
        raise BadRequest("a part of the form comes twice", hint="One picture is changed at a time: send one `image`.")


def _wish(fields: dict[str, object]) -> ImageEditRequest:
    try:
        return ImageEditRequest.model_validate(fields)
    except ValidationError as wrong:
        raise BadRequest(first_fault(wrong.errors(include_input=False, include_url=False))) from None
