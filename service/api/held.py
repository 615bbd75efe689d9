"""GET /v1/images/held/{content_id}: a picture that an operator looks at before it may leave."""

import threading
import time
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from service.api.capacity import cancel_on_disconnect, run_in_thread
from service.api.dependencies import CurrentServices
from service.api.images import Image, as_image
from service.api.keys import CurrentClient
from service.api.problems import responses
from service.gateway.execution import ReleaseObserver
from service.gateway.review_queue import HeldStatus
from service.gateway.stages import Released
from service.gateway.summary import ReleaseSummary, summarize
from service.kit.errors import (
    Blocked,
    Busy,
    Gone,
    LikenessHeld,
    LikenessRefused,
    NotFound,
    StageFailed,
    Unauthorized,
    Unavailable,
    Unmarkable,
)
from service.media.pictures import Mime

router = APIRouter(tags=["gateway"])


class Fetched(BaseModel):
    """The picture, once. `data` is as in the answer of `/v1/images/generations`."""

    created: int
    data: list[Image]
    mime: Mime
    countermark: ReleaseSummary


@router.get(
    "/v1/images/held/{content_id}",
    summary="Fetch a picture that was held for an operator to look at",
    response_model=Fetched,
    response_model_exclude_none=True,
    responses={
        202: {"model": HeldStatus, "description": "Nobody has decided yet."},
        **responses(
            Unauthorized,
            NotFound,
            Gone,
            Blocked,
            LikenessRefused,
            LikenessHeld,
            Unmarkable,
            Busy,
            StageFailed,
            Unavailable,
        ),
    },
)
async def fetch(
    request: Request,
    services: CurrentServices,
    client: CurrentClient,
    content_id: Annotated[str, Path(max_length=64, description="The `appeal` that the refusal named.")],
) -> Fetched | Response:
    """With the key that ordered it. Once it is released, it is checked again, marked, signed and recorded, and can be
    fetched this once. Who leaves before it is recorded can ask again."""
    installation, threads = services.installation, services.order_threads
    with services.order_capacity.reserve():
        status = await run_in_thread(threads, installation.review_queue.status, content_id, client.name)
    if status.status == "waiting":
        return JSONResponse(status.model_dump(), 202)

    async def hand_over(cancelled: threading.Event) -> Released:
        observer = ReleaseObserver(cancelled=cancelled.is_set)
        with services.order_capacity.reserve():
            return await run_in_thread(threads, lambda: installation.gateway.hand_over(content_id, observer, client))

    return _fetched(await cancel_on_disconnect(request, hand_over))


def _fetched(released: Released) -> Fetched:
    image = as_image(released, "b64_json")
    return Fetched(created=int(time.time()), data=[image], mime=released.mime, countermark=summarize(released))
