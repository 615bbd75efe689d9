"""POST /v1/inspect: a file in, a report out."""

from fastapi import APIRouter, Request

from service.api.capacity import run_in_thread
from service.api.dependencies import CurrentServices
from service.api.keys import EXAMINER
from service.api.problems import responses
from service.api.uploads import ONE, uploads
from service.examiner.report import Report
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
async def inspect(request: Request, services: CurrentServices) -> Report:
    """The same report as `countermark inspect --json`. The file is not kept."""
    ((data, name),) = await uploads(request)
    return await run_in_thread(services.image_threads, services.installation.examiner.examine, data, name)
