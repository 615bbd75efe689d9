"""GET and HEAD of /healthz and /readyz, for whatever supervises the process."""

import asyncio
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from service import __version__
from service.api.dependencies import CurrentInstallation
from service.api.failures import LIVENESS, READINESS
from service.api.openapi import failures
from service.kit.clock import stamp
from service.ledger.publisher import Status
from service.media.isolation.parsers import Isolation

router = APIRouter(tags=["operations"])


class Health(BaseModel):
    """The process is alive."""

    status: Literal["ok"] = "ok"
    version: str = __version__


class Readiness(BaseModel):
    """The parts that a request needs are ready: the ledger is the one that was opened, answers and can be written."""

    status: Literal["ready"] = "ready"
    decisions: int = Field(description="Decisions in the ledger.")
    unrecorded_refusals: int = Field(
        description="Refusals since the start that could not be recorded. Nothing was released for them."
    )
    generation: Literal["ready", "off"] = Field(description="`off`: no model is loaded, only the examiner works.")
    checkpoints: Status = Field(
        description="Whether sinks take the audit log's checkpoints. `failing`: one that is not required does not."
    )
    parsing: Isolation = Field(
        description="How files from outside are read. `full`: in worker processes; `reduced`: in such that this system "
        "does not confine completely; `none`: in this process."
    )
    signing_expires_at: str = Field(description="When the certificate that signs Content Credentials expires.")
    warnings: list[str] = Field(
        [], description="What the operator should see to soon: the certificate expires, or PINs are guessed."
    )


@router.head("/healthz", include_in_schema=False)
@router.get(
    "/healthz",
    operation_id="check_liveness",
    summary="Check that the process is alive",
    responses=failures(*LIVENESS),
)
async def check_liveness() -> Health:
    return Health()


@router.head("/readyz", include_in_schema=False)
@router.get(
    "/readyz",
    operation_id="check_readiness",
    summary="Check that the ledger answers",
    responses=failures(*READINESS),
)
async def check_readiness(installation: CurrentInstallation) -> Readiness:
    parsers = installation.limits.parsers
    decisions = await asyncio.to_thread(installation.ledger.ready)
    await asyncio.to_thread(parsers.start)
    return Readiness(
        decisions=decisions,
        unrecorded_refusals=installation.ledger.unrecorded_refusals,
        generation="ready" if installation.generates else "off",
        checkpoints=installation.publisher.status(),
        parsing=parsers.isolation,
        signing_expires_at=stamp(installation.signing.not_after),
        warnings=await asyncio.to_thread(installation.warnings),
    )
