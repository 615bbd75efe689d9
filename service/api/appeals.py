"""POST /v1/appeals and GET /v1/appeals/{id}."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Body, Request

from service.api.problems import responses
from service.installation import Installation
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
    installation: Installation = request.app.state.installation
    return await asyncio.to_thread(installation.appeals.file, appeal)


@router.get("/v1/appeals/{number}", summary="How an appeal stands", responses=responses(NotFound, TooMany, Unavailable))
async def status(request: Request, number: str) -> AppealStatus:
    installation: Installation = request.app.state.installation
    return await asyncio.to_thread(installation.appeals.status, number)
