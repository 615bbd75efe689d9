"""Liveness and readiness."""

import asyncio
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

from service import __version__
from service.api.dependencies import CurrentInstallation
from service.api.problems import responses
from service.kit.errors import Unavailable

router = APIRouter(tags=["operations"])


class Alive(BaseModel):
    status: Literal["ok"] = "ok"
    version: str = __version__


class Readiness(BaseModel):
    """Which parts answer. `generation` is off where the `generate` extra is not installed."""

    status: Literal["ready"] = "ready"
    decisions: int
    generation: Literal["ready", "off"]


@router.get("/healthz", summary="The process is alive")
async def healthz() -> Alive:
    return Alive()


@router.get("/readyz", summary="The parts it needs answer", responses=responses(Unavailable))
async def readyz(installation: CurrentInstallation) -> Readiness:
    decisions = await asyncio.to_thread(installation.ledger.ready)
    return Readiness(decisions=decisions, generation="ready" if installation.generates else "off")
