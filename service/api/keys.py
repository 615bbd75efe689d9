"""Who calls: the client that the key in the Authorization header belongs to, if a key is needed."""

import asyncio
from contextlib import suppress
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.openapi.models import OAuthFlowImplicit, OAuthFlows
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer, OAuth2

from service.access.client import OPERATOR, PUBLIC, Client
from service.api.dependencies import CurrentInstallation
from service.api.rate_limits import caller
from service.installation import Installation
from service.kit.errors import Unauthorized

_BEARER = HTTPBearer(
    scheme_name="tenantKey",
    bearerFormat="cm_ and 43 characters",
    description="A tenant's key. Required once the operator has added a tenant (`countermark tenants add`).",
    auto_error=False,
)
_OAUTH2 = OAuth2(
    scheme_name="auth",
    flows=OAuthFlows(
        implicit=OAuthFlowImplicit(
            authorizationUrl="https://c2pa.org/specifications/",
            scopes={"fetch:manifests": "Search and read manifests."},
        )
    ),
    description="A tenant's key as bearer token; see `tenantKey`. There is no authorization server.",
    auto_error=False,
)
_ManifestsToken = Annotated[str | None, Security(_OAUTH2, scopes=["fetch:manifests"])]
_Credentials = Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)]


async def _key_holder(installation: CurrentInstallation, credentials: _Credentials) -> Client:
    """The tenant whose key was sent. Raises Unauthorized, Unavailable."""
    if credentials is None:
        raise Unauthorized("a key is required")
    return await asyncio.to_thread(installation.tenants.client, credentials.credentials)


async def client_of(installation: Installation, key: str | None) -> Client:
    """Who orders with a key that came in a form, by the rule for a key in the header. Raises Unauthorized."""
    return await _current_client(installation, _bearer(key))


async def examiner_of(installation: Installation, key: str | None) -> Client:
    """Who examines with a key that came in a form, by the rule for a key in the header. Raises Unauthorized."""
    return await _examiner_client(installation, _bearer(key))


def _bearer(key: str | None) -> HTTPAuthorizationCredentials | None:
    return HTTPAuthorizationCredentials(scheme="Bearer", credentials=key) if key else None


async def _current_client(installation: CurrentInstallation, credentials: _Credentials) -> Client:
    """The tenant, or the operator while there has never been a tenant. Raises Unauthorized, Unavailable."""
    if not await asyncio.to_thread(installation.tenants.keys_needed):
        return OPERATOR
    return await _key_holder(installation, credentials)


async def _optional_client(installation: CurrentInstallation, credentials: _Credentials) -> Client | None:
    """The tenant whose key was sent; None without a key. Raises Unauthorized, Unavailable."""
    return None if credentials is None else await _key_holder(installation, credentials)


async def _examiner_client(installation: CurrentInstallation, credentials: _Credentials) -> Client:
    """Who examines. If the examiner is open to everybody: the tenant whose valid key was sent; else the operator while
    there has never been a tenant, and then the public. Raises Unauthorized, Unavailable."""
    if installation.settings.examiner_needs_key:
        return await _key_holder(installation, credentials)
    if credentials is not None:
        with suppress(Unauthorized):
            return await _key_holder(installation, credentials)
    return PUBLIC if await asyncio.to_thread(installation.tenants.keys_needed) else OPERATOR


async def _manifests_client(installation: CurrentInstallation, credentials: _ManifestsToken) -> Client:
    """As the examiner's client; keys carry the scope `fetch:manifests`. Raises Unauthorized, Unavailable."""
    scheme, _, key = (credentials or "").partition(" ")
    sent = (
        HTTPAuthorizationCredentials(scheme="Bearer", credentials=key) if scheme.lower() == "bearer" and key else None
    )
    return await _examiner_client(installation, sent)


def _address(request: Request) -> str:
    return caller(request.scope)


CallerAddress = Annotated[str, Depends(_address)]
"""The caller's address, or network: wrong PINs and anonymous notices are counted for it."""

KeyHolder = Annotated[Client, Depends(_key_holder)]
OptionalClient = Annotated[Client | None, Depends(_optional_client)]
CurrentClient = Annotated[Client, Depends(_current_client)]
CurrentExaminer = Annotated[Client, Depends(_examiner_client)]
ManifestsClient = Annotated[Client, Depends(_manifests_client)]
MANIFESTS = [Depends(_manifests_client)]
EXAMINER = [Depends(_examiner_client)]
