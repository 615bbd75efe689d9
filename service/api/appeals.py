"""POST /v1/appeals and GET /v1/appeals/{id}."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Body

from service.api.dependencies import CurrentInstallation
from service.api.problems import responses
from service.kit.errors import BadRequest, NotFound, TooMany, Unavailable
from service.moderation.appeals import Appeal, AppealStatus

router = APIRouter(tags=["notices"])


@router.post(
    "/v1/appeals",
    status_code=201,
    summary="Appeal against a refusal, a verdict or a takedown",
    responses=responses(BadRequest, NotFound, TooMany, Unavailable),
)
async def file(installation: CurrentInstallation, appeal: Annotated[Appeal, Body()]) -> AppealStatus:
    """Keep the id of the answer: whoever has it can ask how the appeal stands."""
    return await asyncio.to_thread(installation.appeals.file, appeal)


@router.get("/v1/appeals/{number}", summary="How an appeal stands", responses=responses(NotFound, TooMany, Unavailable))
async def status(installation: CurrentInstallation, number: str) -> AppealStatus:
    return await asyncio.to_thread(installation.appeals.status, number)
