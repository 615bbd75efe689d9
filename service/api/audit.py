"""The audit log over HTTP: checkpoints and proofs, with which outsiders check that nothing was changed or left out."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel, Field

from service.api.dependencies import CurrentInstallation
from service.api.failures import PROVE_CONSISTENCY, PROVE_DECISION, READ_CHECKPOINT, READ_LOG_KEY
from service.api.keys import OptionalClient
from service.api.openapi import failures
from service.ledger.proofs import encoded

router = APIRouter(prefix="/v1/audit", tags=["audit"])

_CHECKPOINT_SECONDS = 5
_FOREVER = "public, max-age=31536000, immutable"


class DecisionProof(BaseModel):
    """That a decision is in the log. Anybody may have it: without the decision itself, it tells nothing about it."""

    decision: str = Field(description="SHA-256 of the decision, as in the answer that it was made for.")
    index: int = Field(description="Its place in the log, counted from 0.")
    leaf_hash: str = Field(description="Hexadecimal SHA-256 of the byte 0 and the decision (RFC 9162).")
    proof: str = Field(
        description="An inclusion proof with its checkpoint, in the format of c2sp.org/tlog-proof. The tenant whose "
        "decision it is also finds the decision in it, as extra data."
    )


class ConsistencyProof(BaseModel):
    """That the log of `to` decisions begins with the log of `from` decisions (RFC 9162, section 2.1.4)."""

    from_: int = Field(alias="from", description="Decisions in the older checkpoint.")
    to: int = Field(description="Decisions in the newer checkpoint.")
    hashes: list[str] = Field(description="The proof, base64.")


@router.get(
    "/checkpoint",
    operation_id="get_checkpoint",
    summary="Get a signed checkpoint of the audit log",
    response_class=PlainTextResponse,
    responses=failures(*READ_CHECKPOINT),
)
async def get_checkpoint(installation: CurrentInstallation) -> PlainTextResponse:
    """A signed note with the name of the log, the number of decisions, and the root of the Merkle tree over them
    (c2sp.org/tlog-checkpoint). Keep it: every later checkpoint has to continue it."""
    checkpoint = await asyncio.to_thread(installation.publisher.latest)
    headers = {
        "Cache-Control": f"public, max-age={_CHECKPOINT_SECONDS}",
        "ETag": f'"{checkpoint.size}-{checkpoint.head.root.hex()}"',
    }
    return PlainTextResponse(str(checkpoint.note), headers=headers)


@router.get(
    "/key",
    operation_id="get_log_key",
    summary="Get the public key of the audit log",
    response_class=PlainTextResponse,
    responses=failures(*READ_LOG_KEY),
)
async def get_log_key(installation: CurrentInstallation) -> PlainTextResponse:
    """A verifier key (c2sp.org/signed-note). Get it from the operator by another way, too: who can forge this answer
    can forge the log."""
    return PlainTextResponse(f"{installation.log.verifier}\n")


@router.get(
    "/proof/{decision}",
    operation_id="prove_decision",
    summary="Prove that a decision is in the audit log",
    responses=failures(*PROVE_DECISION),
)
async def prove_decision(
    installation: CurrentInstallation,
    client: OptionalClient,
    decision: Annotated[str, Path(pattern="^[0-9a-f]{64}$", description="SHA-256 of the decision.")],
) -> DecisionProof:
    found = await asyncio.to_thread(installation.log.find, decision)
    own = (
        client is not None
        and bool(client.name)
        and "generate" in client.scopes
        and found.content.get("tenant") == client.name
    )
    proved = await asyncio.to_thread(installation.publisher.prove, found, disclose=own)
    return DecisionProof(
        decision=found.hash, index=proved.proof.index, leaf_hash=proved.leaf.hex(), proof=str(proved.proof)
    )


@router.get(
    "/consistency",
    operation_id="prove_consistency",
    summary="Prove that the audit log continues an older one",
    responses=failures(*PROVE_CONSISTENCY),
)
async def prove_consistency(
    response: Response,
    installation: CurrentInstallation,
    old: Annotated[int, Query(alias="from", ge=0, le=2**53, description="Decisions in the older checkpoint.")],
    new: Annotated[int, Query(alias="to", ge=0, le=2**53, description="Decisions in the newer checkpoint.")],
) -> ConsistencyProof:
    hashes = await asyncio.to_thread(installation.log.consistency, old, new)
    response.headers["Cache-Control"] = _FOREVER
    return ConsistencyProof.model_validate({"from": old, "to": new, "hashes": encoded(hashes)})
