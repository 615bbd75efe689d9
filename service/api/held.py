"""GET /v1/images/held/{content_id}: a picture that an operator looks at before it may leave."""

import time
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from service.api.images import Image, as_image
from service.api.keys import Asking
from service.api.problems import responses
from service.api.turns import in_turn
from service.clients import Client
from service.errors import (
    Blocked,
    Gone,
    LikenessHeld,
    LikenessRefused,
    NotFound,
    StageFailed,
    Unauthorized,
    Unavailable,
)
from service.facts import Fact, fact
from service.held import HeldStatus
from service.house import House
from service.pictures import Mime
from service.stages import Released

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
        **responses(Unauthorized, NotFound, Gone, Blocked, LikenessRefused, LikenessHeld, StageFailed, Unavailable),
    },
)
async def fetch(
    request: Request,
    client: Asking,
    content_id: Annotated[str, Path(max_length=64, description="The `appeal` that the refusal named.")],
) -> Fetched | Response:
    """With the key that ordered it. Once it is released, it is checked again, marked, signed and recorded, and can be
    fetched this once."""
    house: House = request.app.state.house
    turn = request.app.state.examining
    status = await in_turn(turn, house.held.status, content_id, client.name)
    if status.status == "waiting":
        return JSONResponse(status.model_dump(), 202)
    return _fetched(await in_turn(turn, _hand_over, house, content_id, client))


def _hand_over(house: House, content_id: str, client: Client) -> Released:
    return house.gateway.hand_over(content_id, client=client)


def _fetched(released: Released) -> Fetched:
    image = as_image(released, "b64_json")
    return Fetched(created=int(time.time()), data=[image], mime=released.mime, countermark=fact(released))
