"""POST /v1/detect: files in, one line of JSON for each out, as soon as it is judged."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse

from detectors import Inference, Prepared
from service.api.batches import Batcher
from service.api.keys import EXAMINER
from service.api.problems import responses
from service.api.turns import run_limited
from service.api.uploads import Upload, is_form, many, uploads
from service.examiner.classifier import Classifier, detection
from service.installation import Installation
from service.kit.errors import (
    BadRequest,
    BrokenPicture,
    Error,
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
    threshold_fpr: Annotated[
        float | None, Query(description="False-positive rate of `likely_synthetic`: 0.05 or 0.01.")
    ] = None,
) -> StreamingResponse:
    """The same lines as `countermark detect --json`. No file is kept."""
    files = await uploads(request, MOST_FILES)
    installation: Installation = request.app.state.installation
    classifier = await asyncio.to_thread(lambda: installation.classifier)
    classifier.check_rate(threshold_fpr)
    state = request.app.state
    capacity = DetectionRequest(classifier, state.judging, state.examining, state.pending, threshold_fpr)
    if is_form(request):
        return StreamingResponse(_judge_each(capacity, files), media_type=_LINES)
    line = await capacity.judge(files[0])  # one bare picture: what is wrong with it is the answer's status
    return StreamingResponse(iter([line]), media_type=_LINES)


@dataclass(frozen=True, slots=True)
class DetectionRequest:
    """Judges the files of one request: reads them in turn, and lets the models take them with other requests'."""

    classifier: Classifier
    judging: Batcher[Prepared, Inference]
    turn: asyncio.Semaphore
    pending: asyncio.Semaphore
    threshold_fpr: float | None

    async def judge(self, upload: Upload) -> str:
        """A line of JSON. Raises Error where the file cannot be used."""
        data, name = upload
        async with self.pending:
            prepared, sha256 = await run_limited(self.turn, self.classifier.read, data)
            inference = await self.judging(prepared)
        inferred = self.classifier.say(inference, self.threshold_fpr)
        return detection(inferred, name, sha256).model_dump_json() + "\n"


async def _judge_each(capacity: DetectionRequest, files: Sequence[Upload]) -> AsyncIterator[str]:
    """A line for each file, in their order; one that cannot be used does not keep the others from theirs."""
    tasks = [asyncio.ensure_future(_line(capacity, upload)) for upload in files]
    try:
        for task in tasks:
            yield await task
    finally:
        for task in tasks:  # the caller left
            task.cancel()


async def _line(capacity: DetectionRequest, upload: Upload) -> str:
    try:
        return await capacity.judge(upload)
    except Error as error:
        problem = {"code": error.code, "message": error.message, "hint": error.hint}
        return json.dumps({"file": upload[1], "error": problem}) + "\n"
