"""The header Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): a request that is sent twice is carried out
once, and answered twice.

A route of these classes looks at the header before anything else does. It keeps every answer that is final: what was
done, and what was refused for good. What may pass another time (`busy`, a store that does not answer, a bug) is
answered and forgotten, so that the same key can be sent again.
"""

import asyncio
import hashlib
import re
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Annotated, Any

import structlog
from fastapi import Depends, Header, Request, Response
from fastapi.routing import APIRoute
from fastapi.security.utils import get_authorization_scheme_param
from python_multipart.multipart import parse_options_header

from service.access.scopes import KeyScope
from service.api.dependencies import services_of
from service.api.forms import is_form
from service.api.keys import authenticate, client_of
from service.api.openapi import KEY_NAME
from service.api.problems import respond
from service.api.rate_limits import caller
from service.installation import Installation
from service.jobs.answers import Answer, Answers, Claim
from service.kit.case_numbers import case_number
from service.kit.errors import (
    BadRequest,
    Busy,
    Cancelled,
    Disconnected,
    Error,
    ScopeMissing,
    SwitchedOff,
    TooMany,
    Unauthorized,
    Unavailable,
)

log = structlog.get_logger()

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

LONGEST_KEY = 255
REPLAYED = "Idempotency-Replayed"
"""The header of an answer that was given before."""

_KEY = re.compile(rf"[\x21-\x7e]{{1,{LONGEST_KEY}}}")
_PASSING = (Busy, Cancelled, Disconnected, ScopeMissing, SwitchedOff, TooMany, Unauthorized)


async def _documented(
    idempotency_key: Annotated[
        str | None,
        Header(
            alias=KEY_NAME,
            max_length=LONGEST_KEY + 2,
            description="A value of your own, such as a UUID, for this request alone. Sent again with it, the "
            "request is not carried out again: it gets the same answer, which is kept for a day.",
        ),
    ] = None,
) -> None:
    """The route class reads the header; this describes it."""


KEY_HEADER = [Depends(_documented)]


class _IdempotentRoute(APIRoute, ABC):
    """A route whose POST requests may have an Idempotency-Key."""

    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()

        async def handle_once(request: Request) -> Response:
            key = request.headers.get(KEY_NAME)
            if key is None or request.method != "POST":
                return await handle(request)
            installation = services_of(request.app).installation
            who = await self.caller_of(installation, request)
            return await _once(installation.answers, who, _checked(key), request, handle)

        return handle_once

    @abstractmethod
    async def caller_of(self, installation: Installation, request: Request) -> str:
        """Whose key it is. Raises as `authenticate` before the body is received, where the route would."""


class TenantRoute(_IdempotentRoute):
    """For orders: a key belongs to the tenant. Only a key with the scope for orders is given an answer again."""

    key_scope: KeyScope = "generate"

    async def caller_of(self, installation: Installation, request: Request) -> str:
        client = await client_of(request, installation, _credentials(request), self.key_scope)
        return f"tenant {client.name}"


class BatchRoute(TenantRoute):
    """The same for files to examine."""

    key_scope: KeyScope = "examine"


class PublicRoute(_IdempotentRoute):
    """For what anybody may send: a key belongs to the tenant, or else to the caller's address."""

    async def caller_of(self, installation: Installation, request: Request) -> str:
        key = _credentials(request)
        if key is not None and await asyncio.to_thread(installation.tenants.keys_needed):
            return f"tenant {(await authenticate(request, installation, key, None)).name}"
        return f"address {caller(request.scope)}"


async def _once(answers: Answers, who: str, key: str, request: Request, handle: Handler) -> Response:
    fingerprint = _fingerprint(request, await request.body())
    begun = await asyncio.to_thread(answers.begin, who, key, fingerprint)
    if isinstance(begun, Answer):
        return _response(begun, replayed=True)
    # One key and one request are one job, also where the process dies once the job is taken on and before it says so.
    request.state.job_number = case_number("J", hashlib.sha256(f"{begun.id} {fingerprint}".encode()).digest())
    try:
        async with _renewed(answers, begun):
            made = await _answered(request, handle)
        await asyncio.to_thread(answers.keep, begun, made)
    except BaseException:
        await asyncio.shield(asyncio.to_thread(_forget, answers, begun))
        raise
    return _response(made)


async def _answered(request: Request, handle: Handler) -> Answer:
    """What the route answers, also where it refuses for good. Raises what may pass, and bugs."""
    try:
        return await _read(await handle(request))
    except Error as error:
        if error.status >= 500 or isinstance(error, _PASSING):
            raise
        return await _read(respond(error, request))


async def _read(response: Response) -> Answer:
    """The whole of a response: none of these routes streams before it knows everything."""
    parts: AsyncIterator[bytes | str] | None = getattr(response, "body_iterator", None)
    if parts is None:
        body = bytes(response.body)
    else:
        body = b"".join([part.encode() if isinstance(part, str) else part async for part in parts])
    headers = ((name, value) for name, value in response.headers.items() if name != "content-length")
    return Answer(response.status_code, tuple(headers), body)


def _response(answer: Answer, *, replayed: bool = False) -> Response:
    more = {REPLAYED: "true"} if replayed else {}
    return Response(answer.body, answer.status, {**dict(answer.headers), **more})


@asynccontextmanager
async def _renewed(answers: Answers, claim: Claim) -> AsyncIterator[None]:
    """Keep the claim while the request is being answered."""
    task = asyncio.create_task(_renew(answers, claim))
    try:
        yield
    finally:
        task.cancel()


async def _renew(answers: Answers, claim: Claim) -> None:
    while True:
        await asyncio.sleep(answers.lease.total_seconds() / 3)
        try:
            await asyncio.to_thread(answers.renew, claim)
        except Unavailable as fault:  # the next renewal may succeed, and `keep` finds out whether it was too late
            log.warning("claim_not_renewed", code=fault.code)


def _forget(answers: Answers, claim: Claim) -> None:
    try:
        answers.forget(claim)
    except Unavailable as fault:  # the claim ends by itself
        log.warning("claim_not_given_up", code=fault.code)


def _checked(sent: str) -> str:
    """The key, with or without the quotes that the draft asks for. Raises BadRequest."""
    key = sent[1:-1] if len(sent) > 1 and sent[0] == sent[-1] == '"' else sent
    if not _KEY.fullmatch(key):
        raise BadRequest(
            f"{KEY_NAME}: not 1 to {LONGEST_KEY} visible ASCII characters",
            hint="Send a UUID, a new one for each request.",
            param=KEY_NAME,
        )
    return key


def _credentials(request: Request) -> str | None:
    scheme, key = get_authorization_scheme_param(request.headers.get("authorization"))
    return key if scheme.lower() == "bearer" and key else None


def _fingerprint(request: Request, body: bytes) -> str:
    """Equal for two requests that ask for the same. A form's boundary is another one each time it is sent."""
    hashed = hashlib.sha256(f"{request.method} {request.url.path}?{request.url.query}\n".encode())
    kind, options = parse_options_header(request.headers.get("content-type"))
    boundary = options.get(b"boundary", b"") if is_form(request) else b""
    hashed.update(kind)
    for part in body.split(b"--" + boundary) if boundary else (body,):
        hashed.update(len(part).to_bytes(8, "big"))
        hashed.update(part)
    return hashed.hexdigest()
