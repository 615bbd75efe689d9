"""POST /v1/detect: files in, one line of JSON for each out, as soon as it is judged."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse

from service.api.problems import responses
from service.api.turns import in_turn
from service.api.uploads import Upload, is_form, many, uploads
from service.classifier import Classifier
from service.errors import (
    BadRequest,
    BrokenPicture,
    Error,
    TooLarge,
    Unavailable,
    UnsupportedFormat,
    UnsupportedPixels,
)
from service.house import House

router = APIRouter(tags=["examiner"])

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
        **responses(BadRequest, TooLarge, UnsupportedFormat, BrokenPicture, UnsupportedPixels, Unavailable),
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
    house: House = request.app.state.house
    classifier = await asyncio.to_thread(lambda: house.classifier)
    classifier.check_rate(threshold_fpr)
    turn = request.app.state.examining
    if is_form(request):
        lines = _judge_each(classifier, files, threshold_fpr, turn)
    else:  # one bare picture: what is wrong with it is the answer's status
        lines = _once(await _judge(classifier, files[0], threshold_fpr, turn))
    return StreamingResponse(lines, media_type=_LINES)


async def _judge_each(
    classifier: Classifier, files: Sequence[Upload], fpr: float | None, turn: asyncio.Semaphore
) -> AsyncIterator[str]:
    """A line for each file; one that cannot be used does not keep the others from theirs."""
    for upload in files:
        try:
            yield await _judge(classifier, upload, fpr, turn)
        except Error as error:
            problem = {"code": error.code, "message": error.message, "hint": error.hint}
            yield json.dumps({"file": upload[1], "error": problem}) + "\n"


async def _once(line: str) -> AsyncIterator[str]:
    yield line


async def _judge(classifier: Classifier, upload: Upload, fpr: float | None, turn: asyncio.Semaphore) -> str:
    found = await in_turn(turn, classifier.detect, *upload, fpr)
    return found.model_dump_json() + "\n"
