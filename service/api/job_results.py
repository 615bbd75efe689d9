"""The result of a job, in the shape that its request would have been answered in."""

import base64
import json
from typing import Any

from fastapi import Response
from fastapi.responses import StreamingResponse

from service.api.image_responses import GenerationDetails, Image, ImageRefusal, ImagesResponse
from service.api.openapi import reference
from service.installation import Installation
from service.jobs.files import JobFiles
from service.jobs.image_jobs import StoredImage, image_in, outcome_of
from service.jobs.inspection_jobs import REQUEST, InspectionLine, lines_of
from service.jobs.problems import JobProblem
from service.kit.errors import JobCancelled, JobUnfinished
from service.storage import JobRow

LINES = "application/x-ndjson"

RESULT: dict[str, Any] = {
    "description": "Released images as in the response of `/v1/images/generations`, or a line for each examined file.",
    "content": {
        "application/json": {"schema": reference(ImagesResponse)},
        LINES: {"schema": {"type": "string", "contentMediaType": LINES, "contentSchema": reference(InspectionLine)}},
    },
}


def result_of(installation: Installation, row: JobRow) -> Response:
    """The response.

    Raises:
        JobUnfinished, JobCancelled: there is none.
        Unavailable, Misconfigured: it cannot be read, or is not what was issued.
        Error: why the job failed.
    """
    if row.status == "cancelled":
        raise JobCancelled("the job was cancelled")
    if row.status == "failed" and row.error:
        raise JobProblem.model_validate(row.error).as_error()
    if row.status != "succeeded":
        raise JobUnfinished(f"the job is {row.status}: {row.done} of {row.total} done")
    files = installation.jobs.files(row)
    if row.kind == "inspection":
        return StreamingResponse(lines_of(files), media_type=LINES)
    images = _images(installation, row, files)
    return Response(images.model_dump_json(exclude_none=True), media_type="application/json")


def _images(installation: Installation, row: JobRow, files: JobFiles) -> ImagesResponse:
    shape = json.loads(files.read(REQUEST))
    outcomes = [outcome_of(files, number) for number in range(row.total)]
    images = [
        image_in(files, number, outcome, installation.ledger)
        for number, outcome in enumerate(outcomes)
        if outcome.refusal is None
    ]
    refusals = {number: outcome.refusal for number, outcome in enumerate(outcomes) if outcome.refusal}
    width, height = images[0].size
    return ImagesResponse(
        created=int((row.ended_at or row.created_at).timestamp()),
        data=[_image(image, shape["response_format"]) for image in images],
        output_format=shape["output_format"],
        quality=shape["quality"],
        size=f"{width}x{height}",
        countermark=GenerationDetails(
            model=shape["model"],
            images=[image.summary for image in images],
            refusals=[_refusal(number, problem) for number, problem in refusals.items()],
            warnings=shape["warnings"],
        ),
    )


def _image(image: StoredImage, response_format: str) -> Image:
    text = base64.b64encode(image.data).decode()
    return Image(url=f"data:{image.mime};base64,{text}") if response_format == "url" else Image(b64_json=text)


def _refusal(number: int, problem: JobProblem) -> ImageRefusal:
    return ImageRefusal(index=number, code=problem.code, message=problem.message, appeal=problem.appeal)
