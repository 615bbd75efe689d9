"""Consent over HTTP: receipts that anybody may check, and what a subject may see and end with number and PIN."""

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Header
from pydantic import BaseModel, Field

from service.api.dependencies import CurrentInstallation
from service.api.failures import LIST_GRANTS, READ_RECEIPT, READ_SUBJECT, REVOKE_GRANT, SIGNING_KEYS, WITHDRAW_IMAGE
from service.api.keys import KeyHolder
from service.api.openapi import failures
from service.kit.errors import NotFound
from service.likeness.registry import Consent
from service.likeness.schemas import Grant, State, Use

router = APIRouter(tags=["consent"])

Pin = Annotated[str, Header(alias="X-Subject-Pin", description="The PIN that enrolment returned.", max_length=40)]


class ConsentReceiptStatus(BaseModel):
    """Whether a grant still holds. It names nobody."""

    id: str
    state: State
    digest: str = Field(description="SHA-256 of the receipt, as in manifests.")
    expires_at: str
    revoked_at: str | None


class SubjectOverview(BaseModel):
    """What a subject may see: every grant, and every image made under one."""

    grants: list[Grant]
    uses: list[Use]


class SigningKey(BaseModel):
    """An Ed25519 public key as a JWK (RFC 8037)."""

    kty: Literal["OKP"]
    crv: Literal["Ed25519"]
    x: str = Field(description="The public key, base64url.")
    kid: str = Field(description="The thumbprint of the key (RFC 7638), as in the header of a receipt.")
    alg: Literal["EdDSA"]
    use: Literal["sig"]


class SigningKeys(BaseModel):
    """A JWK set (RFC 7517)."""

    keys: list[SigningKey]


@router.get(
    "/v1/consent/receipts/{grant}",
    operation_id="get_consent_receipt",
    summary="Check whether a consent still holds",
    responses=failures(*READ_RECEIPT),
)
async def get_consent_receipt(installation: CurrentInstallation, grant: str) -> ConsentReceiptStatus:
    """`grant` is the `jti` of the receipt."""
    found = await asyncio.to_thread(installation.consent.grants.of, grant)
    return ConsentReceiptStatus(
        id=found.id,
        state=found.state,
        digest=found.receipt_digest,
        expires_at=found.expires_at,
        revoked_at=found.revoked_at,
    )


@router.get(
    "/v1/consent/grants",
    operation_id="list_grants",
    summary="List the grants made out to the holder of the key",
    responses=failures(*LIST_GRANTS),
)
async def list_grants(installation: CurrentInstallation, client: KeyHolder) -> list[Grant]:
    """For tenants. Includes grants that have ended."""
    return await asyncio.to_thread(installation.consent.grants.made_out_to, client.name)


@router.get(
    "/v1/consent/keys",
    operation_id="list_signing_keys",
    summary="Get the keys that sign receipts",
    responses=failures(*SIGNING_KEYS),
)
async def list_signing_keys(installation: CurrentInstallation) -> SigningKeys:
    return SigningKeys(keys=[SigningKey.model_validate(installation.consent.grants.signer.public_jwk)])


@router.get(
    "/v1/consent/subjects/{subject}",
    operation_id="get_subject",
    summary="List what was made with my likeness",
    responses=failures(*READ_SUBJECT),
)
async def get_subject(installation: CurrentInstallation, subject: str, pin: Pin) -> SubjectOverview:
    """For the enrolled person."""
    return await asyncio.to_thread(_overview, installation.consent, subject, pin)


@router.post(
    "/v1/consent/subjects/{subject}/grants/{grant}/revoke",
    operation_id="revoke_grant",
    summary="Revoke a grant of mine",
    responses=failures(*REVOKE_GRANT),
)
async def revoke_grant(installation: CurrentInstallation, subject: str, grant: str, pin: Pin) -> Grant:
    """Takes effect at once: an image that is being generated under the grant is not released."""
    return await asyncio.to_thread(_revoke, installation.consent, subject, grant, pin)


@router.post(
    "/v1/consent/subjects/{subject}/images/{content_id}/withdraw",
    operation_id="withdraw_image",
    summary="Block an image that shows me",
    responses=failures(*WITHDRAW_IMAGE),
)
async def withdraw_image(installation: CurrentInstallation, subject: str, content_id: str, pin: Pin) -> SubjectOverview:
    """The image and images that look like it are refused from now on. Copies elsewhere are out of reach."""
    await asyncio.to_thread(_withdraw, installation.consent, subject, content_id, pin)
    return await asyncio.to_thread(_overview, installation.consent, subject, pin)


def _overview(consent: Consent, subject: str, pin: str) -> SubjectOverview:
    consent.subjects.check_pin(subject, pin)
    return SubjectOverview(grants=consent.grants.grants_of(subject), uses=consent.grants.uses_of(subject))


def _revoke(consent: Consent, subject: str, grant: str, pin: str) -> Grant:
    consent.subjects.check_pin(subject, pin)
    if grant not in {one.id for one in consent.grants.grants_of(subject)}:
        raise NotFound("this subject gave no such grant", hint="List the subject's grants first.")
    return consent.grants.revoke(grant)


def _withdraw(consent: Consent, subject: str, content_id: str, pin: str) -> None:
    consent.subjects.check_pin(subject, pin)
    consent.grants.withdraw(subject, content_id)
