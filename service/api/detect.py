"""POST /v1/detect: files in, one line of JSON for each out, as soon as it is judged."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse

from service.api import public_examination
from service.api.capacity import drop_on_disconnect
from service.api.dependencies import CurrentExamination, CurrentServices
from service.api.detection import DetectionLine, DetectionService
from service.api.failures import DETECT
from service.api.forms import is_form
from service.api.key_limits import take
from service.api.keys import CurrentExaminer
from service.api.openapi import failures, reference
from service.api.uploads import Upload, many_files, uploads

router = APIRouter(tags=["examiner"])

MOST_FILES = 100
AT_ONCE = 16
"""Files of one request that are worked on at once, so that others come between."""
_LINES = "application/x-ndjson"
_RESPONSE = {
    "description": "One JSON object a line, in the order of the files. In a form, a file that cannot be read gets a "
    "line with `file` and `error`; as the bare body it is answered with a problem.",
    "content": {
        _LINES: {"schema": {"type": "string", "contentMediaType": _LINES, "contentSchema": reference(DetectionLine)}}
    },
}


@router.post(
    "/v1/detect",
    operation_id="detect_images",
    summary="Judge with classifiers alone whether images are synthetic",
    response_class=StreamingResponse,
    responses={200: _RESPONSE, **failures(*DETECT)},
    openapi_extra={"requestBody": many_files(MOST_FILES)},
)
async def detect_images(
    request: Request,
    services: CurrentServices,
    client: CurrentExaminer,
    examination: CurrentExamination,
    threshold_fpr: Annotated[
        float | None,
        Query(description="The false-positive rate of `likely_synthetic`: 0.05 or 0.01. Default: the operator's."),
    ] = None,
) -> StreamingResponse:
    """The same lines as `countermark detect --json`. The files are not kept."""
    public_examination.count_in_open_tier(services, client, request)
    files = await uploads(request, MOST_FILES)
    detection = services.detection
    examination.take(min(len(files), AT_ONCE))
    await detection.check_rate(threshold_fpr)
    public_examination.count_in_open_tier(services, client, request, len(files), counted=1)
    await take(request, services.installation, client, "examinations", len(files))
    if is_form(request):
        return StreamingResponse(_lines(detection, files, threshold_fpr), media_type=_LINES)
    # A bare file: what is wrong with it is the response's status.
    line = await drop_on_disconnect(request, detection.judge(files[0], threshold_fpr))
    return StreamingResponse(iter([line]), media_type=_LINES)


async def _lines(
    detection: DetectionService, files: Sequence[Upload], threshold_fpr: float | None
) -> AsyncIterator[str]:
    """A line for each file, in order, as soon as it and those before it are judged."""
    waiting, tasks = deque(files), deque[asyncio.Future[str]]()
    try:
        while waiting or tasks:
            while waiting and len(tasks) < AT_ONCE:
                tasks.append(asyncio.ensure_future(detection.judge_or_report(waiting.popleft(), threshold_fpr)))
            yield await tasks[0]
            tasks.popleft()
    finally:
        for task in tasks:  # the caller left
            task.cancel()
