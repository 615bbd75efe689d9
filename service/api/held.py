"""GET /v1/images/held/{content_id}: an image that an operator reviews before it may leave."""

import threading
import time
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from service.api.capacity import cancel_on_disconnect, run_in_thread
from service.api.dependencies import CurrentServices
from service.api.failures import FETCH_HELD
from service.api.image_responses import Image, image_of
from service.api.keys import CurrentClient
from service.api.openapi import failures
from service.gateway.execution import ReleaseObserver
from service.gateway.review_queue import HeldStatus
from service.gateway.stages import Released
from service.gateway.summary import ReleaseSummary, summarize
from service.media.pictures import Mime

router = APIRouter(tags=["gateway"])


class HeldImage(BaseModel):
    """A reviewed image. `data` has one item, as in the response of `/v1/images/generations`."""

    created: int = Field(description="Unix time in seconds.")
    data: list[Image]
    mime: Mime
    countermark: ReleaseSummary


@router.get(
    "/v1/images/held/{content_id}",
    operation_id="fetch_held_image",
    summary="Fetch an image that was held for review",
    response_model=HeldImage,
    response_model_exclude_none=True,
    responses={202: {"model": HeldStatus, "description": "The image waits for review."}, **failures(*FETCH_HELD)},
)
async def fetch_held_image(
    request: Request,
    services: CurrentServices,
    client: CurrentClient,
    content_id: Annotated[str, Path(max_length=64, description="The `appeal` of the refusal.")],
) -> HeldImage | Response:
    """Needs the key that ordered the image. An image that the operator has released is checked again, watermarked,
    signed and recorded, and can be fetched once. A caller who disconnects before it is recorded can try again."""
    installation, threads = services.installation, services.order_threads
    with services.order_capacity.reserve():
        status = await run_in_thread(threads, installation.review_queue.status, content_id, client.name)
    if status.status == "waiting":
        return JSONResponse(status.model_dump(), 202)

    async def hand_over(cancelled: threading.Event) -> Released:
        observer = ReleaseObserver(cancelled=cancelled.is_set)
        with services.order_capacity.reserve():
            return await run_in_thread(threads, lambda: installation.gateway.hand_over(content_id, observer, client))

    return _held_image(await cancel_on_disconnect(request, hand_over))


def _held_image(released: Released) -> HeldImage:
    return HeldImage(
        created=int(time.time()),
        data=[image_of(released, "b64_json")],
        mime=released.mime,
        countermark=summarize(released),
    )
