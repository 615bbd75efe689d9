"""POST /v1/detect: files in, one line of JSON for each out, as soon as it is judged."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse

from service.api.dependencies import CurrentServices
from service.api.detection import DetectionService
from service.api.keys import EXAMINER
from service.api.problems import responses
from service.api.uploads import Upload, is_form, many, uploads
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

MOST_FILES = 16
_LINES = "application/x-ndjson"
_EXAMPLE = (
    '{"state":"available","verdict":"likely_synthetic","p_synthetic":0.93,"interval":[0.77,0.95],'
    '"file":"a.jpg", ...}\n{"file":"b.jpg","error":{"code":"broken_picture", ...}}\n'
)
_ANSWER = {
    "description": "One JSON object a line (`Detection`), in the order of the files; for a file of several that "
    "cannot be read `file` and `error`.",
    "content": {_LINES: {"schema": {"type": "string"}, "example": _EXAMPLE}},
}


@router.post(
    "/v1/detect",
    summary="Judge whether pictures are synthetic, by classifiers alone",
    response_class=StreamingResponse,
    responses={
        200: _ANSWER,
        **responses(
            BadRequest, Unauthorized, TooLarge, UnsupportedFormat, BrokenPicture, UnsupportedPixels, Unavailable
        ),
    },
    openapi_extra={"requestBody": many(MOST_FILES)},
)
async def detect(
    request: Request,
    services: CurrentServices,
    threshold_fpr: Annotated[
        float | None, Query(description="False-positive rate of `likely_synthetic`: 0.05 or 0.01.")
    ] = None,
) -> StreamingResponse:
    """The same lines as `countermark detect --json`. No file is kept."""
    files = await uploads(request, MOST_FILES)
    detection = services.detection
    await detection.check_rate(threshold_fpr)
    if is_form(request):
        return StreamingResponse(_judge_each(detection, files, threshold_fpr), media_type=_LINES)
    line = await detection.judge(files[0], threshold_fpr)  # one bare image: an error is the status of the response
    return StreamingResponse(iter([line]), media_type=_LINES)


async def _judge_each(
    detection: DetectionService, files: Sequence[Upload], threshold_fpr: float | None
) -> AsyncIterator[str]:
    """A line for each file, in order, as soon as it and those before it are judged."""
    tasks = [asyncio.ensure_future(detection.judge_or_report(upload, threshold_fpr)) for upload in files]
    try:
        for task in tasks:
            yield await task
    finally:
        for task in tasks:  # the caller left
            task.cancel()
