"""The limits of keys over HTTP: requests and what they ask for are counted, and every answer tells what is left."""

import asyncio
from collections.abc import Sequence

import structlog
from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.access.client import Client
from service.access.limits import NO_LIMITS, Unit
from service.access.usage import Allowance
from service.installation import Installation
from service.kit.errors import RateLimited, Unavailable

log = structlog.get_logger()
_STATE, _ADMITTED = "allowances", "admitted"


async def admit(request: Request, installation: Installation, client: Client) -> None:
    """Count a request of the holder of a key, once however often it is asked who sends it.

    Raises RateLimited, Unavailable.
    """
    state = request.scope.setdefault("state", {})
    if client.limits == NO_LIMITS or state.get(_ADMITTED) == client.key:
        return
    state[_ADMITTED] = client.key
    try:
        _note(request, await asyncio.to_thread(installation.key_usage.admit, client))
    except RateLimited as limited:
        _note(request, [Allowance("requests_per_minute", limited.most, 60, 0, limited.retry_after)])
        raise


async def take(request: Request, installation: Installation, client: Client, unit: Unit, amount: int) -> None:
    """Count images or examinations before they are begun. Raises QuotaExceeded, Unavailable."""
    if client.limits.quotas(unit):
        _note(request, await asyncio.to_thread(installation.key_usage.take, client, unit, amount))


async def give_back(installation: Installation, client: Client, unit: Unit, amount: int) -> None:
    """Count those no longer that were turned away. It never fails: others of the same request may be released."""
    if not amount or not client.limits.quotas(unit):
        return
    try:
        await asyncio.to_thread(installation.key_usage.give_back, client, unit, amount)
    except Unavailable as fault:
        log.warning("quota_not_given_back", key=client.key, unit=unit, amount=amount, error=fault.message)


def _note(request: Request, allowances: Sequence[Allowance]) -> None:
    """Replace what was noted of the same limits."""
    noted: dict[str, Allowance] = request.scope.setdefault("state", {}).setdefault(_STATE, {})
    noted.update({allowance.name: allowance for allowance in allowances})


class RateLimitFields:
    """Add `RateLimit-Policy` and `RateLimit` to every answer to the holder of a key with limits
    (draft-ietf-httpapi-ratelimit-headers-10).
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        state = scope.setdefault("state", {})

        async def send_with_fields(message: Message) -> None:
            if message["type"] == "http.response.start" and (noted := state.get(_STATE)):
                fields = [(name, value.encode()) for name, value in rate_limit_fields(list(noted.values()))]
                message["headers"] = [*message.get("headers", []), *fields]
            await send(message)

        return await self._app(scope, receive, send_with_fields)


def rate_limit_fields(allowances: Sequence[Allowance]) -> tuple[tuple[bytes, str], tuple[bytes, str]]:
    """The two header fields: the limits, and what is left of them."""
    policies = (f'"{each.name}";q={each.most};w={each.window}' for each in allowances)
    left = (f'"{each.name}";r={each.remaining};t={each.reset}' for each in allowances)
    return (b"ratelimit-policy", ", ".join(policies)), (b"ratelimit", ", ".join(left))
