"""Who asks: the key in the Authorization header, where one is needed."""

import asyncio
from typing import Annotated

from fastapi import Depends, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from service.access.client import OPERATOR, Client
from service.api.dependencies import CurrentInstallation
from service.installation import Installation
from service.kit.errors import Unauthorized

_BEARER = HTTPBearer(
    scheme_name="tenantKey",
    bearerFormat="cm_ and 43 characters",
    description="A tenant's key. Needed as soon as the operator has made a tenant (`countermark tenants add`).",
    auto_error=False,
)
_Shown = Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)]


async def _shown(installation: CurrentInstallation, shown: _Shown) -> Client:
    """Whoever shows a valid key. Raises Unauthorized, Unavailable."""
    return await asyncio.to_thread(_client, installation, shown)


async def _asking(installation: CurrentInstallation, shown: _Shown) -> Client:
    """The same; where there never was a tenant, anybody, as the operator. Raises Unauthorized, Unavailable."""
    if not await asyncio.to_thread(installation.tenants.keys_needed):
        return OPERATOR
    return await _shown(installation, shown)


async def _examining(installation: CurrentInstallation, shown: _Shown) -> Client:
    """Anybody, unless the operator keeps the examiner to tenants. Raises Unauthorized, Unavailable."""
    return await _shown(installation, shown) if installation.settings.examiner_needs_key else OPERATOR


def _client(installation: Installation, shown: HTTPAuthorizationCredentials | None) -> Client:
    if shown is None:
        raise Unauthorized("this needs a key")
    return installation.tenants.client(shown.credentials)


ShownKey = Annotated[Client, Depends(_shown)]
CurrentClient = Annotated[Client, Depends(_asking)]
EXAMINER = [Depends(_examining)]
