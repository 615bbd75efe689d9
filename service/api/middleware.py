"""Around every request: a request id, a check of the path, and a limit on the body before anything reads it."""

import re
import uuid
from collections.abc import Collection, Mapping
from types import MappingProxyType

import structlog
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.problems import respond
from service.kit.errors import NotFound, TooLarge

_HEADER = b"x-request-id"
_NO_STORE = (b"cache-control", b"no-store")  # a proxy would cache by its address what only a PIN gives access to
LARGEST_JSON = 1 << 17
"""Bytes of a JSON body, which is parsed on the event loop. The longest notice has fewer, even fully escaped."""
_SAFE_ID = re.compile(r"[\w.-]{1,64}")


class RequestId:
    """Give the request an id, in its log lines and in the response: the caller's X-Request-Id if it is harmless.

    Also forbid caches to store the response, unless it says itself what they may do: most are for a single request.
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
                headers = message.get("headers", [])
                unsaid = [] if any(name.lower() == _NO_STORE[0] for name, _ in headers) else [_NO_STORE]
                message["headers"] = [*headers, (_HEADER, request_id.encode()), *unsaid]
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            return await self._app(scope, receive, send_with_id)


class NoNul:
    """Answer 404 to a path with a NUL. No identifier has one, and PostgreSQL fails on it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and "\0" in scope["path"]:
            return await respond(NotFound("there is no such address"), Request(scope))(scope, receive, send)
        return await self._app(scope, receive, send)


class BodyLimit:
    """Refuse bodies over `limit` bytes, and JSON over LARGEST_JSON except where it may hold images.

    By Content-Length, and while the body arrives in case that header is missing or wrong.
    """

    def __init__(
        self,
        app: ASGIApp,
        limit: int,
        images_in_json: Collection[str] = (),
        larger: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        """`images_in_json`: paths whose JSON is not parsed on the event loop and may be as large as a file. `larger`:
        paths with limits of their own, in bytes."""
        self._app = app
        self._limit = limit
        self._images_in_json = images_in_json
        self._larger = larger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        headers = dict(scope["headers"])
        path = str(scope["path"]).removeprefix(scope.get("root_path", ""))
        small = _may_be_json(scope) and path not in self._images_in_json
        limit = min(self._limit, LARGEST_JSON) if small else self._larger.get(path, self._limit)
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
    """Whether any Content-Type says JSON: a caller who sends several does not choose which one is read."""
    return any(name == b"content-type" and b"json" in value.lower() for name, value in scope["headers"])


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"the body has more than {limit:,} bytes")
