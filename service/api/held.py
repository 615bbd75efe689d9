"""GET /v1/images/held/{content_id}: a picture that an operator looks at before it may leave."""

import threading
import time
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from service.api.callers import attended, in_thread
from service.api.images import Image, as_image
from service.api.keys import Asking
from service.api.problems import responses
from service.gateway.execution import Watch
from service.gateway.review_queue import HeldStatus
from service.gateway.stages import Released
from service.gateway.summary import Fact, fact
from service.installation import House
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
    countermark: Fact


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
    client: Asking,
    content_id: Annotated[str, Path(max_length=64, description="The `appeal` that the refusal named.")],
) -> Fetched | Response:
    """With the key that ordered it. Once it is released, it is checked again, marked, signed and recorded, and can be
    fetched this once. Who leaves before it is recorded can ask again."""
    house: House = request.app.state.house
    desk, renderers = request.app.state.desk, request.app.state.renderers  # the examiner's threads are not for this
    with desk.takes():
        status = await in_thread(renderers, lambda: house.held.status(content_id, client.name))
    if status.status == "waiting":
        return JSONResponse(status.model_dump(), 202)

    async def hand_over(gone: threading.Event) -> Released:
        watch = Watch(cancelled=gone.is_set)
        with desk.takes():
            return await in_thread(renderers, lambda: house.gateway.hand_over(content_id, watch, client))

    return _fetched(await attended(request, hand_over))


def _fetched(released: Released) -> Fetched:
    image = as_image(released, "b64_json")
    return Fetched(created=int(time.time()), data=[image], mime=released.mime, countermark=fact(released))
