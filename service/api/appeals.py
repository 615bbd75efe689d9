"""POST /v1/appeals and GET /v1/appeals/{id}."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Body, Request

from service.api.problems import responses
from service.installation import House
from service.kit.errors import BadRequest, NotFound, TooMany, Unavailable
from service.moderation.appeals import Appeal, AppealStatus

router = APIRouter(tags=["notices"])


@router.post(
    "/v1/appeals",
    status_code=201,
    summary="Appeal against a refusal, a verdict or a takedown",
    responses=responses(BadRequest, NotFound, TooMany, Unavailable),
)
async def file(request: Request, appeal: Annotated[Appeal, Body()]) -> AppealStatus:
    """Keep the id of the answer: whoever has it can ask how the appeal stands."""
    house: House = request.app.state.house
    return await asyncio.to_thread(house.appeals.file, appeal)


@router.get("/v1/appeals/{number}", summary="How an appeal stands", responses=responses(NotFound, TooMany, Unavailable))
async def status(request: Request, number: str) -> AppealStatus:
    house: House = request.app.state.house
    return await asyncio.to_thread(house.appeals.status, number)
