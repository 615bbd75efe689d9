"""Around every request: an id, an address that can be, and a cap on the body that holds before anything reads it."""

import re
import uuid

import structlog
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.problems import respond
from service.kit.errors import NotFound, TooLarge

_HEADER = b"x-request-id"
_NOT_KEPT = (b"cache-control", b"no-store")  # a proxy would keep what only a PIN opens, by its address alone
LARGEST_JSON = 1 << 17
"""Bytes of a JSON body: the longest notice, every letter of it escaped, has fewer. It is read on the event loop."""
_SAFE_ID = re.compile(r"[\w.-]{1,64}")


class RequestId:
    """Take the caller's X-Request-Id if it is harmless, else make one; put it on logs and on the response.

    And let no cache keep a response: all of them are about one request alone.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        given = dict(scope["headers"]).get(_HEADER, b"").decode("latin-1")
        request_id = given if _SAFE_ID.fullmatch(given) else uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), (_HEADER, request_id.encode()), _NOT_KEPT]
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            return await self._app(scope, receive, send_with_id)


class NoNul:
    """No number of ours has a NUL in it, and PostgreSQL takes none: whoever asks for one is told so here."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and "\0" in scope["path"]:
            return await respond(NotFound("there is no such address"), Request(scope))(scope, receive, send)
        return await self._app(scope, receive, send)


class BodyLimit:
    """Refuse bodies over `limit` bytes, JSON over LARGEST_JSON: by their Content-Length or, where that lies, as they
    arrive.
    """

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        headers = dict(scope["headers"])
        limit = min(self._limit, LARGEST_JSON) if _may_be_json(scope) else self._limit
        announced = headers.get(b"content-length", b"0")
        if announced.isdigit() and int(announced) > limit:
            refusal = respond(_too_large(limit), Request(scope))
            return await refusal(scope, receive, send)
        arrived = 0

        async def counted() -> Message:
            nonlocal arrived
            message = await receive()
            arrived += len(message.get("body", b""))
            if arrived > limit:
                raise _too_large(limit)
            return message

        return await self._app(scope, counted, send)


def _may_be_json(scope: Scope) -> bool:
    """Whether any of its types says so: who sends several does not choose which one is read."""
    return any(name == b"content-type" and b"json" in value.lower() for name, value in scope["headers"])


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"the body has more than {limit:,} bytes")
