"""POST /v1/images/edits, in the shape of OpenAI's Images API: an image, an optional mask, and a prompt."""

from typing import Any, TypeVar

from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.datastructures import FormData, UploadFile

from service.api.dependencies import CurrentServices
from service.api.failures import EDIT
from service.api.generation_requests import ImageEditRequest
from service.api.image_release import release_images
from service.api.image_responses import ImagesResponse
from service.api.keys import CurrentClient
from service.api.openapi import failures
from service.api.uploads import BINARY, check_charset, form_body, is_form
from service.gateway.order import Order
from service.kit.errors import BadRequest, first_fault
from service.kit.surface import SurfaceField, surface_fields

T = TypeVar("T")

_FILES = {str(field.surface.api): field for field in surface_fields(Order) if field.is_file}
_REPEATED = {field.surface.api for field in surface_fields(Order) if field.repeated and not field.is_file}
_MOST_FIELDS = 64


def _body() -> dict[str, Any]:
    """The form in OpenAPI: the model's fields, and files."""
    schema = ImageEditRequest.model_json_schema(ref_template="#/components/schemas/{model}")
    files = {name: _file_schema(field) for name, field in _FILES.items()}
    return form_body({**schema["properties"], **files}, schema["required"])


def _file_schema(field: SurfaceField) -> dict[str, Any]:
    one = {"type": "array", "items": BINARY, "maxItems": field.most} if field.repeated else BINARY
    return {**one, "description": field.info.description}


router = APIRouter(tags=["gateway"])


@router.post(
    "/v1/images/edits",
    operation_id="edit_images",
    summary="Change an image, all of it or where a mask says so",
    responses=failures(*EDIT),
    response_model_exclude_none=True,
    openapi_extra={"requestBody": _body()},
)
async def edit_images(request: Request, services: CurrentServices, client: CurrentClient) -> ImagesResponse:
    """Every face in the input images needs a grant that allows the use; blocklisted and unsafe images are refused. The
    response is that of `/v1/images/generations`. The manifest of a new image names the input image, by its hash, as its
    parent."""
    if not is_form(request):
        raise BadRequest("the request is not a form", hint="Send a form with `prompt` and a file named `image`.")
    check_charset(request)
    most_files = sum(field.most for field in _FILES.values())
    async with request.form(max_files=most_files, max_fields=_MOST_FIELDS) as form:
        fields, files = await _parts(form)
    return await release_images(request, services, client, _validated(fields), files)


async def _parts(form: FormData) -> tuple[dict[str, object], dict[str, Any]]:
    """The text fields by their API names, and the files by the order's fields. Raises BadRequest."""
    texts: dict[str, list[str]] = {}
    files: dict[str, list[bytes]] = {}
    for key, value in form.multi_items():
        name = key.removesuffix("[]")
        if isinstance(value, UploadFile) != (name in _FILES):
            names = ", ".join(f"`{each}`" for each in _FILES)
            raise BadRequest(f"only {names} are files", hint="See the schema at /docs.")
        if isinstance(value, UploadFile):
            files.setdefault(name, []).append(await value.read())
        else:
            texts.setdefault(name, []).append(value)
    if "image" not in files and "reference" not in files:
        raise BadRequest("the form has no file named `image`", hint="Send the image to change as `image`.")
    fields: dict[str, object] = {
        name: values if name in _REPEATED else _single(values) for name, values in texts.items()
    }
    inputs: dict[str, Any] = {
        _FILES[name].name: tuple(values) if _FILES[name].repeated else _single(values) for name, values in files.items()
    }
    return fields, inputs


def _single(values: list[T]) -> T:
    if len(values) > 1:
        raise BadRequest("a part of the form is repeated", hint="One image is changed at a time: send one `image`.")
    return values[0]


def _validated(fields: dict[str, object]) -> ImageEditRequest:
    try:
        return ImageEditRequest.model_validate(fields)
    except ValidationError as invalid:
        raise BadRequest(first_fault(invalid.errors(include_input=False, include_url=False))) from None
