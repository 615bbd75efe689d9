"""One line in the log for each request: what was asked, what was answered, how long it took. Nothing personal."""

import time

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.kit import tracing
from service.kit.metrics import REQUESTS

log = structlog.get_logger()

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_CLIENT_LEFT = 499


class AccessLog:
    """Log each request: id, method, the path of its route (not the path itself, which has numbers of people and cases),
    status and milliseconds. 499: the client left before the response began.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        start = time.perf_counter()
        status = _CLIENT_LEFT

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        with tracing.span("request") as traced:
            try:
                await self._app(scope, receive, watched)
            except Exception:
                status = 500  # what is answered outside
                raise
            finally:
                status = scope.get("state", {}).get("ended_with") or status  # the server answered, not the application
                seconds = time.perf_counter() - start
                method, path = scope["method"] if scope["method"] in _METHODS else "-", _path(scope)
                REQUESTS.labels(method, path, status).observe(seconds)
                log.info("request", method=method, path=path, status=status, ms=round(seconds * 1000, 1))
                if traced is not None:
                    traced.update_name(f"{method} {path}")
                    traced.set_attribute("http.request.method", method)
                    traced.set_attribute("http.route", path)
                    traced.set_attribute("http.response.status_code", status)


def _path(scope: Scope) -> str:
    """The path of the route, as in the OpenAPI document; `-` if there is no such route."""
    return str(getattr(scope.get("route"), "path", "-"))
