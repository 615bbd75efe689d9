"""Consent over HTTP: receipts anybody may check, and what a subject may see and end with number and PIN."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Header
from pydantic import BaseModel, Field

from service.api.dependencies import CurrentInstallation
from service.api.keys import ShownKey
from service.api.problems import responses
from service.kit.errors import NotFound, TooMany, Unauthorized, Unavailable
from service.likeness.registry import Consent
from service.likeness.schemas import Grant, State, Use

router = APIRouter(tags=["consent"])

Pin = Annotated[str, Header(alias="X-Subject-Pin", description="The PIN that was shown at enrolment.", max_length=40)]


class ReceiptStatus(BaseModel):
    """Whether a grant still holds. It names nobody."""

    id: str
    state: State
    digest: str = Field(description="SHA-256 of the receipt, as manifests carry it.")
    expires_at: str
    revoked_at: str | None


class Overview(BaseModel):
    """What a subject may see: every grant, and every image made under one."""

    grants: list[Grant]
    uses: list[Use]


@router.get("/v1/consent/receipts/{grant}", summary="Ask whether a consent still holds", responses=responses(NotFound))
async def receipt(installation: CurrentInstallation, grant: str) -> ReceiptStatus:
    """By the grant's number (`jti` of the receipt)."""
    found = await asyncio.to_thread(installation.consent.grants.of, grant)
    return ReceiptStatus(
        id=found.id,
        state=found.state,
        digest=found.receipt_digest,
        expires_at=found.expires_at,
        revoked_at=found.revoked_at,
    )


@router.get(
    "/v1/consent/grants",
    summary="What I am allowed: the grants made out to whose key this is",
    responses=responses(Unauthorized, Unavailable),
)
async def allowed(installation: CurrentInstallation, client: ShownKey) -> list[Grant]:
    """For a tenant. Ended ones, too."""
    return await asyncio.to_thread(installation.consent.grants.made_out_to, client.name)


@router.get("/v1/consent/keys", summary="The key that signs receipts, as a JWK set (RFC 7517)")
async def keys(installation: CurrentInstallation) -> dict[str, Any]:
    return {"keys": [installation.consent.grants.signer.public_jwk]}


@router.get(
    "/v1/consent/subjects/{subject}",
    summary="What was made of my likeness",
    responses=responses(NotFound, TooMany, Unavailable),
)
async def overview(installation: CurrentInstallation, subject: str, pin: Pin) -> Overview:
    """For the person themselves."""
    return await asyncio.to_thread(_overview, installation.consent, subject, pin)


@router.post(
    "/v1/consent/subjects/{subject}/grants/{grant}/revoke",
    summary="Take my consent back",
    responses=responses(NotFound, TooMany, Unavailable),
)
async def revoke(installation: CurrentInstallation, subject: str, grant: str, pin: Pin) -> Grant:
    """At once: what renders under the grant is not released."""
    return await asyncio.to_thread(_revoke, installation.consent, subject, grant, pin)


@router.post(
    "/v1/consent/subjects/{subject}/images/{content_id}/withdraw",
    summary="Block an image that shows me",
    responses=responses(NotFound, TooMany, Unavailable),
)
async def withdraw(installation: CurrentInstallation, subject: str, content_id: str, pin: Pin) -> Overview:
    """The image and what looks like it are refused from now on. Copies elsewhere are out of our reach."""
    consent = installation.consent
    await asyncio.to_thread(_withdraw, consent, subject, content_id, pin)
    return await asyncio.to_thread(_overview, consent, subject, pin)


def _overview(consent: Consent, subject: str, pin: str) -> Overview:
    consent.subjects.check_pin(subject, pin)
    return Overview(grants=consent.grants.grants_of(subject), uses=consent.grants.uses_of(subject))


def _revoke(consent: Consent, subject: str, grant: str, pin: str) -> Grant:
    consent.subjects.check_pin(subject, pin)
    if grant not in {one.id for one in consent.grants.grants_of(subject)}:
        raise NotFound("this subject gave no such grant", hint="List them first.")
    return consent.grants.revoke(grant)


def _withdraw(consent: Consent, subject: str, content_id: str, pin: str) -> None:
    consent.subjects.check_pin(subject, pin)
    consent.grants.withdraw(subject, content_id)
