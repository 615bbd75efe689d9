"""A job as server-sent events: one each time it changes, with its version as the id."""

import asyncio
import time
from collections.abc import AsyncIterator

from service.access.client import Client
from service.api.dependencies import Services
from service.jobs.schemas import job_of
from service.kit.errors import NotFound, Unavailable
from service.storage import ENDED, JobRow

EVENTS = "text/event-stream"

_LOOK_SECONDS = 0.5
_HEARTBEAT_SECONDS = 15.0
_RETRY_MILLISECONDS = 2000


async def events_of(services: Services, client: Client, row: JobRow, seen: int) -> AsyncIterator[str]:
    """The job now, if it changed since the version `seen`, and whenever it changes, until it has ended.

    Ends, too, when the server stops or the job is deleted; a browser then asks again.
    """
    yield f"retry: {_RETRY_MILLISECONDS}\n\n"
    told = time.monotonic()
    while True:
        if row.version > seen:
            yield _event(row)
            seen, told = row.version, time.monotonic()
        elif time.monotonic() - told > _HEARTBEAT_SECONDS:
            yield ": still there\n\n"
            told = time.monotonic()
        if row.status in ENDED or services.stopping.is_set():
            return
        await asyncio.sleep(_LOOK_SECONDS)
        try:
            row = await asyncio.to_thread(services.installation.jobs.get, row.id, client)
        except NotFound:
            return
        except Unavailable:  # the response has begun: the next look may find it
            continue


def _event(row: JobRow) -> str:
    return f"id: {row.version}\nevent: job\ndata: {job_of(row).model_dump_json()}\n\n"
