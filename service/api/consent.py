"""Consent over HTTP: receipts that anybody may check, and what a subject may see and end with number and PIN."""

import asyncio
from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, Header
from pydantic import BaseModel, Field

from service.api.dependencies import CurrentInstallation
from service.api.failures import LIST_GRANTS, READ_RECEIPT, READ_SUBJECT, REVOKE_GRANT, SIGNING_KEYS, WITHDRAW_IMAGE
from service.api.keys import CallerAddress, ConsentClient
from service.api.openapi import failures
from service.installation import Installation
from service.kit.case_numbers import is_short_pin
from service.kit.errors import NotFound
from service.likeness.registry import Consent
from service.likeness.schemas import Grant, NewPin, State, Use

router = APIRouter(tags=["consent"])

_RENEW = "Your PIN has eight digits. Get a longer one: POST /v1/consent/subjects/{subject}/pin."

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
    hint: str | None = Field(None, description="What to do about an old PIN.")


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
async def list_grants(installation: CurrentInstallation, client: ConsentClient) -> list[Grant]:
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
async def get_subject(
    installation: CurrentInstallation, subject: str, pin: Pin, address: CallerAddress
) -> SubjectOverview:
    """For the enrolled person."""
    return await asyncio.to_thread(_overview, installation, subject, pin, address)


@router.post(
    "/v1/consent/subjects/{subject}/pin",
    operation_id="renew_pin",
    summary="Get a new PIN",
    responses=failures(*READ_SUBJECT),
)
async def renew_pin(installation: CurrentInstallation, subject: str, pin: Pin, address: CallerAddress) -> NewPin:
    """The old PIN stops working. The new one is shown only once."""
    return await asyncio.to_thread(_renew, installation, subject, pin, address)


@router.post(
    "/v1/consent/subjects/{subject}/grants/{grant}/revoke",
    operation_id="revoke_grant",
    summary="Revoke a grant of mine",
    responses=failures(*REVOKE_GRANT),
)
async def revoke_grant(
    installation: CurrentInstallation, subject: str, grant: str, pin: Pin, address: CallerAddress
) -> Grant:
    """Takes effect at once: an image that is being generated under the grant is not released."""
    return await asyncio.to_thread(_revoke, installation, subject, grant, pin, address)


@router.post(
    "/v1/consent/subjects/{subject}/images/{content_id}/withdraw",
    operation_id="withdraw_image",
    summary="Block an image that shows me",
    responses=failures(*WITHDRAW_IMAGE),
)
async def withdraw_image(
    installation: CurrentInstallation, subject: str, content_id: str, pin: Pin, address: CallerAddress
) -> SubjectOverview:
    """The image and images that look like it are refused from now on. Copies elsewhere are out of reach."""
    return await asyncio.to_thread(_withdraw, installation, subject, content_id, pin, address)


def _check(installation: Installation, subject: str, pin: str, address: str, *, ends: bool = False) -> None:
    """Raises NotFound, TooManyPins, PinTooShort."""
    right = partial(installation.consent.subjects.check_pin, subject, pin)
    installation.pins.check(subject, address, pin, right, ends=ends)


def _overview(installation: Installation, subject: str, pin: str, address: str) -> SubjectOverview:
    _check(installation, subject, pin, address)
    return _seen(installation.consent, subject, pin)


def _renew(installation: Installation, subject: str, pin: str, address: str) -> NewPin:
    _check(installation, subject, pin, address)
    return installation.consent.subjects.renew_pin(subject)


def _revoke(installation: Installation, subject: str, grant: str, pin: str, address: str) -> Grant:
    _check(installation, subject, pin, address, ends=True)
    grants = installation.consent.grants
    if grant not in {one.id for one in grants.grants_of(subject)}:
        raise NotFound("this subject gave no such grant", hint="List the subject's grants first.")
    return grants.revoke(grant)


def _withdraw(installation: Installation, subject: str, content_id: str, pin: str, address: str) -> SubjectOverview:
    _check(installation, subject, pin, address, ends=True)
    installation.consent.grants.withdraw(subject, content_id)
    seen = _seen(installation.consent, subject, pin)
    if not is_short_pin(pin):
        return seen
    only = [use for use in seen.uses if use.content_id == content_id]  # it may be one that only ends what is allowed
    return seen.model_copy(update={"grants": [], "uses": only})


def _seen(consent: Consent, subject: str, pin: str) -> SubjectOverview:
    hint = _RENEW if is_short_pin(pin) else None
    return SubjectOverview(grants=consent.grants.grants_of(subject), uses=consent.grants.uses_of(subject), hint=hint)
