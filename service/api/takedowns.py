"""POST /v1/takedowns and GET /v1/takedowns/{case}: notices of removal, with or without a copy of the picture."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Request
from pydantic import ValidationError
from starlette.datastructures import UploadFile

from service.api.capacity import run_in_thread
from service.api.dependencies import CurrentServices
from service.api.middleware import LARGEST_JSON
from service.api.problems import responses
from service.api.uploads import check_charset, is_form
from service.installation import Installation
from service.kit.errors import (
    BadRequest,
    BrokenPicture,
    NotFound,
    TooLarge,
    TooMany,
    Unavailable,
    UnsupportedFormat,
    UnsupportedPixels,
    first_fault,
)
from service.media.pictures import decode, limits_of
from service.moderation.takedowns import CaseStatus, Notice, Receipt

router = APIRouter(tags=["notices"])

_SCHEMA = Notice.model_json_schema()
_FORM = {
    "type": "object",
    "required": ["notice"],
    "properties": {
        "notice": {"type": "string", "description": "The notice as JSON."},
        "file": {"type": "string", "format": "binary", "description": "A copy of the picture; hashed, not kept."},
    },
}
_BODY: dict[str, Any] = {
    "required": True,
    "content": {"application/json": {"schema": _SCHEMA}, "multipart/form-data": {"schema": _FORM}},
}


@router.post(
    "/v1/takedowns",
    status_code=201,
    summary="Give notice of an intimate picture published without consent",
    responses=responses(
        BadRequest, TooLarge, UnsupportedFormat, BrokenPicture, UnsupportedPixels, TooMany, Unavailable
    ),
    openapi_extra={"requestBody": _BODY},
)
async def receive(request: Request, services: CurrentServices) -> Receipt:
    """Keep case number and PIN: they are the only way to ask how the case stands. Due within 48 hours."""
    text, copy = await _parts(request)
    notice = _notice(text)
    return await run_in_thread(services.image_threads, _receive, services.installation, notice, copy)


@router.get(
    "/v1/takedowns/{case}",
    summary="How a notice stands",
    responses=responses(BadRequest, NotFound, TooMany, Unavailable),
)
async def status(
    services: CurrentServices,
    case: str,
    x_case_pin: Annotated[str, Header(max_length=64, description="The PIN of the case.")],
) -> CaseStatus:
    return await run_in_thread(services.image_threads, services.installation.takedowns.status, case, x_case_pin)


def _receive(installation: Installation, notice: Notice, copy: bytes | None) -> Receipt:
    settings = installation.settings
    picture = decode(copy, limits_of(settings)) if copy is not None else None
    return installation.takedowns.receive(notice, picture)


async def _parts(request: Request) -> tuple[bytes, bytes | None]:
    """The notice's JSON, and the bytes of the picture where one was sent."""
    if not is_form(request):
        return await request.body(), None
    check_charset(request)
    async with request.form(max_files=1, max_fields=1) as form:
        notice, file = form.get("notice"), form.get("file")
        if not isinstance(notice, str) or set(form) - {"notice", "file"} or isinstance(file, str):
            raise BadRequest("the form is none of ours", hint="Send a field `notice` (JSON) and a file called `file`.")
        return notice.encode("utf-8", "replace"), await file.read() if isinstance(file, UploadFile) else None


def _notice(text: bytes) -> Notice:
    if len(text) > LARGEST_JSON:
        raise TooLarge(f"a notice has at most {LARGEST_JSON:,} bytes")
    try:
        return Notice.model_validate_json(text)
    except ValidationError as wrong:
        raise BadRequest(first_fault(wrong.errors(include_input=False, include_url=False))) from None
