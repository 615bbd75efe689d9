"""GET /v1/jobs and below: what became of what was asked for with `async`, or of a batch."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from service.api.dependencies import CurrentInstallation, CurrentServices
from service.api.failures import DELETE_JOB, JOB_RESULT, LIST_JOBS, READ_JOB
from service.api.job_events import EVENTS, events_of
from service.api.job_results import RESULT, result_of
from service.api.keys import JobsClient
from service.api.openapi import failures, reference
from service.jobs.schemas import Job, JobList, job_of
from service.storage import ENDED

router = APIRouter(tags=["jobs"])

MOST_LISTED = 100

Number = Annotated[str, Path(max_length=32, description="The `id` of the job.")]

_STREAM = {
    "description": "The job each time it changes, as an event `job`, until it has ended.",
    "content": {EVENTS: {"schema": {"type": "string", "contentMediaType": EVENTS, "contentSchema": reference(Job)}}},
}


@router.get("/v1/jobs", operation_id="list_jobs", summary="List my jobs", responses=failures(*LIST_JOBS))
async def list_jobs(
    installation: CurrentInstallation,
    client: JobsClient,
    limit: Annotated[int, Query(ge=1, le=MOST_LISTED, description="How many at most.")] = 20,
    after: Annotated[
        str | None, Query(max_length=32, description="Only jobs older than this one: the last id of the page before.")
    ] = None,
) -> JobList:
    """Newest first. Ended jobs are deleted after a while."""
    return await asyncio.to_thread(installation.jobs.list, client, limit, after)


@router.get("/v1/jobs/{job}", operation_id="get_job", summary="Get a job", responses=failures(*READ_JOB))
async def get_job(installation: CurrentInstallation, client: JobsClient, job: Number) -> Job:
    """Needs the key of the tenant that ordered it."""
    return job_of(await asyncio.to_thread(installation.jobs.get, job, client))


@router.post("/v1/jobs/{job}/cancel", operation_id="cancel_job", summary="Cancel a job", responses=failures(*READ_JOB))
async def cancel_job(installation: CurrentInstallation, client: JobsClient, job: Number) -> Job:
    """A job that waits is cancelled at once. One that is worked on is asked to stop (`cancelling`), and stops at its
    next step. One that has ended stays as it is."""
    return await asyncio.to_thread(installation.jobs.cancel, job, client)


@router.delete(
    "/v1/jobs/{job}",
    status_code=204,
    operation_id="delete_job",
    summary="Delete a job and its result",
    responses=failures(*DELETE_JOB),
)
async def delete_job(installation: CurrentInstallation, client: JobsClient, job: Number) -> Response:
    """Only once it has ended: cancel it first. What it released stays in the ledger."""
    await asyncio.to_thread(installation.jobs.delete, job, client)
    return Response(status_code=204)


@router.get(
    "/v1/jobs/{job}/result",
    operation_id="get_job_result",
    summary="Get the result of a job",
    response_class=Response,
    responses={200: RESULT, **failures(*JOB_RESULT)},
)
async def get_job_result(installation: CurrentInstallation, client: JobsClient, job: Number) -> Response:
    """The response that the request would have had without a job: released images, or a line for each examined file. A
    failed job is answered with the error that it failed with."""
    row = await asyncio.to_thread(installation.jobs.get, job, client)
    return await asyncio.to_thread(result_of, installation, row)


@router.get(
    "/v1/jobs/{job}/events",
    operation_id="follow_job",
    summary="Follow a job",
    response_class=StreamingResponse,
    responses={
        200: _STREAM,
        204: {"description": "The event in Last-Event-ID was the last one: there is nothing to follow."},
        **failures(*READ_JOB),
    },
)
async def follow_job(
    request: Request,
    services: CurrentServices,
    client: JobsClient,
    job: Number,
    last_event_id: Annotated[
        str | None, Header(alias="Last-Event-ID", max_length=20, description="Only what happened after this event.")
    ] = None,
) -> Response:
    """Server-sent events. The stream begins with the job as it is, and ends with the job. A comment comes now and then,
    so that nobody closes a quiet connection."""
    row = await asyncio.to_thread(services.installation.jobs.get, job, client)
    seen = int(last_event_id) if last_event_id and last_event_id.isdecimal() else 0
    if row.status in ENDED and seen >= row.version:
        return Response(status_code=204)
    return StreamingResponse(events_of(services, client, row, seen), media_type=EVENTS)
