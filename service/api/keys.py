"""Who calls: the client that the key in the Authorization header belongs to, if a key is needed."""

import asyncio
from contextlib import suppress
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.openapi.models import OAuthFlowImplicit, OAuthFlows
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer, OAuth2

from service.access.client import OPEN_TIER, OPERATOR, PUBLIC, Client
from service.access.scopes import KeyScope
from service.api import key_limits
from service.api.dependencies import CurrentInstallation
from service.api.rate_limits import caller
from service.installation import Installation
from service.kit.errors import ScopeMissing, Unauthorized

_BEARER = HTTPBearer(
    scheme_name="tenantKey",
    bearerFormat="cm_ and 49 letters and digits",
    description="A tenant's key. Required once the operator has added a tenant (`countermark tenants add`). Each key "
    "has scopes; see docs/tenants.md.",
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


async def authenticate(request: Request, installation: Installation, key: str | None, scope: KeyScope | None) -> Client:
    """The tenant that a key belongs to, whose request is counted. `scope`: what it is needed for; None: any will do.

    Raises Unauthorized, RateLimited, ScopeMissing, Unavailable.
    """
    if not key:
        raise Unauthorized("a key is required")
    client = await asyncio.to_thread(installation.tenants.client, key)
    await key_limits.admit(request, installation, client)
    if scope is not None:
        client.check_scope(scope)
    return client


async def client_of(
    request: Request, installation: Installation, key: str | None, scope: KeyScope | None = "generate"
) -> Client:
    """Who orders: the tenant with this key, or the operator while orders need none. Raises as `authenticate`."""
    if not await asyncio.to_thread(installation.orders_need_key):
        return OPERATOR
    return await authenticate(request, installation, key, scope)


async def examiner_of(request: Request, installation: Installation, key: str | None) -> Client:
    """Who examines: the tenant with this key. If the examiner is open to everybody, without a valid key the operator
    while there has never been a tenant, and then the public.

    Raises as `authenticate`.
    """
    settings = installation.settings
    if settings.public_verification and not key:
        return OPEN_TIER
    if settings.public_verification or settings.examiner_needs_key:
        return await authenticate(request, installation, key, "examine")
    if key:
        with suppress(Unauthorized, ScopeMissing):
            return await authenticate(request, installation, key, "examine")
    return PUBLIC if await asyncio.to_thread(installation.tenants.keys_needed) else OPERATOR


def _text(credentials: HTTPAuthorizationCredentials | None) -> str | None:
    return credentials.credentials if credentials else None


async def _current_client(request: Request, installation: CurrentInstallation, credentials: _Credentials) -> Client:
    return await client_of(request, installation, _text(credentials))


async def _batch_client(request: Request, installation: CurrentInstallation, credentials: _Credentials) -> Client:
    """Who may leave files to be examined: they are stored, so not anybody."""
    return await client_of(request, installation, _text(credentials), "examine")


async def _jobs_client(request: Request, installation: CurrentInstallation, credentials: _Credentials) -> Client:
    return await client_of(request, installation, _text(credentials), "jobs")


async def _models_client(request: Request, installation: CurrentInstallation, credentials: _Credentials) -> Client:
    """With any scope: clients list the models to find out whether their key works."""
    return await client_of(request, installation, _text(credentials), None)


async def _examiner_client(request: Request, installation: CurrentInstallation, credentials: _Credentials) -> Client:
    return await examiner_of(request, installation, _text(credentials))


async def _manifests_client(request: Request, installation: CurrentInstallation, token: _ManifestsToken) -> Client:
    """As the examiner's client; the standard calls the scope `fetch:manifests`."""
    scheme, _, key = (token or "").partition(" ")
    return await examiner_of(request, installation, key if scheme.lower() == "bearer" else None)


async def _consent_client(request: Request, installation: CurrentInstallation, credentials: _Credentials) -> Client:
    return await authenticate(request, installation, _text(credentials), "consent")


async def _flagger(request: Request, installation: CurrentInstallation, credentials: _Credentials) -> Client | None:
    """The tenant whose key was sent; None without a key. Raises as `authenticate`."""
    return None if credentials is None else await authenticate(request, installation, _text(credentials), "takedowns")


async def _optional_client(
    request: Request, installation: CurrentInstallation, credentials: _Credentials
) -> Client | None:
    """The tenant whose key was sent, whatever it is for; None without a key. Raises as `authenticate`."""
    return None if credentials is None else await authenticate(request, installation, _text(credentials), None)


def _address(request: Request) -> str:
    return caller(request.scope)


CallerAddress = Annotated[str, Depends(_address)]
"""The caller's address, or network: wrong PINs and anonymous notices are counted for it."""

ConsentClient = Annotated[Client, Depends(_consent_client)]
TrustedFlagger = Annotated[Client | None, Depends(_flagger)]
OptionalClient = Annotated[Client | None, Depends(_optional_client)]
CurrentClient = Annotated[Client, Depends(_current_client)]
BatchClient = Annotated[Client, Depends(_batch_client)]
JobsClient = Annotated[Client, Depends(_jobs_client)]
ModelsClient = Annotated[Client, Depends(_models_client)]
CurrentExaminer = Annotated[Client, Depends(_examiner_client)]
ManifestsClient = Annotated[Client, Depends(_manifests_client)]
EXAMINER = [Depends(_examiner_client)]
