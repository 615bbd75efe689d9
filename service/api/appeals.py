"""POST /v1/appeals and GET /v1/appeals/{number}."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Body

from service.api.dependencies import CurrentInstallation
from service.api.failures import APPEAL_STATUS, FILE_APPEAL
from service.api.idempotency import KEY_HEADER, PublicRoute
from service.api.openapi import failures
from service.moderation.appeals import Appeal, AppealStatus

router = APIRouter(tags=["notices"], route_class=PublicRoute)


@router.post(
    "/v1/appeals",
    status_code=201,
    operation_id="file_appeal",
    summary="Appeal a refusal, a verdict or a takedown",
    dependencies=KEY_HEADER,
    responses=failures(*FILE_APPEAL),
)
async def file_appeal(installation: CurrentInstallation, appeal: Annotated[Appeal, Body()]) -> AppealStatus:
    """Keep the `id` in the response: it is the key to the status of the appeal."""
    return await asyncio.to_thread(installation.appeals.file, appeal)


@router.get(
    "/v1/appeals/{number}",
    operation_id="get_appeal",
    summary="Get the status of an appeal",
    responses=failures(*APPEAL_STATUS),
)
async def get_appeal(installation: CurrentInstallation, number: str) -> AppealStatus:
    """`number` is the `id` that filing the appeal returned."""
    return await asyncio.to_thread(installation.appeals.status, number)
