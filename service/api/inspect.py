"""POST /v1/inspect: a file in, a report out."""

from fastapi import APIRouter, Request

from service.api.keys import EXAMINER
from service.api.problems import responses
from service.api.turns import run_limited
from service.api.uploads import ONE, uploads
from service.examiner.report import Report
from service.installation import Installation
from service.kit.errors import (
    BadRequest,
    BrokenPicture,
    TooLarge,
    Unauthorized,
    Unavailable,
    UnsupportedFormat,
    UnsupportedPixels,
)

router = APIRouter(tags=["examiner"], dependencies=EXAMINER)


@router.post(
    "/v1/inspect",
    summary="Tell what a picture claims, carries, matches and probably is",
    responses=responses(
        BadRequest, Unauthorized, TooLarge, UnsupportedFormat, BrokenPicture, UnsupportedPixels, Unavailable
    ),
    openapi_extra={"requestBody": ONE},
)
async def inspect(request: Request) -> Report:
    """The same report as `countermark inspect --json`. The file is not kept."""
    ((data, name),) = await uploads(request)
    installation: Installation = request.app.state.installation
    return await run_limited(request.app.state.examining, installation.examiner.examine, data, name)
