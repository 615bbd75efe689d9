"""POST /v1/inspect: a file in, a report out."""

import asyncio

from fastapi import APIRouter, Request
from starlette.datastructures import UploadFile

from service.api.problems import responses
from service.errors import BadRequest, BrokenPicture, TooLarge, Unavailable, UnsupportedFormat, UnsupportedPixels
from service.house import House
from service.report import Report

router = APIRouter(tags=["examiner"])

_BINARY = {"schema": {"type": "string", "format": "binary"}}
_FORM = {
    "schema": {
        "type": "object",
        "required": ["file"],
        "properties": {"file": {"type": "string", "format": "binary"}},
    }
}
_BODY = {
    "required": True,
    "description": "The file itself, or a form with one part called `file`.",
    "content": {
        "multipart/form-data": _FORM,
        **{f"image/{kind}": _BINARY for kind in ("png", "jpeg", "webp", "avif", "tiff")},
    },
}


@router.post(
    "/v1/inspect",
    summary="Tell what a picture claims, carries, matches and probably is",
    responses=responses(BadRequest, TooLarge, UnsupportedFormat, BrokenPicture, UnsupportedPixels, Unavailable),
    openapi_extra={"requestBody": _BODY},
)
async def inspect(request: Request) -> Report:
    """The same report as `countermark inspect --json`. The file is not kept."""
    data, name = await _file(request)
    house: House = request.app.state.house
    async with request.app.state.examining:
        return await asyncio.to_thread(house.examiner.examine, data, name)


async def _file(request: Request) -> tuple[bytes, str]:
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        return await request.body(), "-"
    async with request.form(max_files=1, max_fields=0) as form:
        part = form.get("file")
        if not isinstance(part, UploadFile):
            raise BadRequest("the form has no file", hint="Send one part called `file`, or the bare bytes.")
        return await part.read(), part.filename or "-"
