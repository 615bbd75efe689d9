"""Taking on what a request asks for as a job: 202, the job, and where to find it."""

import asyncio
import json
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse

from service.access.client import Client
from service.access.limits import Unit
from service.api import key_limits
from service.api.dependencies import Services
from service.api.image_inputs import ImageRequest
from service.api.image_release import check_number, prepare
from service.jobs.image_jobs import ORDERS, orders_part
from service.jobs.inspection_jobs import REQUEST
from service.jobs.queue import NewJob
from service.jobs.schemas import Job
from service.kit.errors import Error
from service.storage import JobKind

ACCEPTED: dict[str, Any] = {
    "model": Job,
    "description": "With `async`: the job. Its result is this operation's response.",
    "headers": {"Location": {"description": "The address of the job.", "schema": {"type": "string"}}},
}


async def take_on_images(
    request: Request, services: Services, client: Client, sent: ImageRequest, kind: JobKind
) -> JSONResponse:
    """Take on the orders of a request. What the gateway refuses later is the job's error.

    Raises:
        BadRequest: the request cannot be an order.
        QuotaExceeded: the key has fewer images left.
        Busy: too many jobs wait.
        Unavailable, Misconfigured: nothing can be generated here, or nothing be stored.
    """
    check_number(services, client, sent)
    prepared = await prepare(services, sent)
    shape = {
        "response_format": sent.fields.response_format,
        "output_format": sent.fields.output_format,
        "quality": sent.fields.order_quality,
        "model": prepared.model,
        "warnings": prepared.warnings,
    }
    parts = {ORDERS: orders_part(prepared.orders), REQUEST: json.dumps(shape).encode()}
    new = NewJob(kind, len(prepared.orders), parts, number_of(request))
    return await take_on(request, services, client, new, "images")


async def take_on(request: Request, services: Services, client: Client, new: NewJob, unit: Unit) -> JSONResponse:
    """Take a job on, and answer with it. It counts as what it asks for, whatever becomes of it.

    Raises QuotaExceeded, Busy, Unavailable.
    """
    installation = services.installation
    await key_limits.take(request, installation, client, unit, new.total)
    try:
        job = await asyncio.to_thread(installation.jobs.submit, new, client)
    except Error:
        await key_limits.give_back(installation, client, unit, new.total)
        raise
    location = f"{request.scope.get('root_path', '')}/v1/jobs/{job.id}"
    return JSONResponse(job.model_dump(mode="json"), 202, {"Location": location})


def number_of(request: Request) -> str | None:
    """The id of the job that a request with an Idempotency-Key becomes; None without the header."""
    return getattr(request.state, "job_number", None)
