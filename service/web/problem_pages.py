"""Errors at the addresses of pages are pages, whichever part of the application they come from."""

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.problems import MEDIA_TYPE, Problem, internal_error, problem_of
from service.api.response_headers import SECURITY_HEADERS
from service.web.error_view import of_problem
from service.web.rendering import is_page, page, words_of


class ProblemPages:
    """Turns problems (`application/problem+json`) at the addresses of pages into pages with the same status.

    It is outside everything else: limits on bodies and hosts answer with problems before a route is found.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not is_page(_path(scope)):
            return await self._app(scope, receive, send)
        answer = _Answer(Request(scope), send)
        try:
            await self._app(scope, receive, answer.send)
        except Exception as fault:
            if answer.started:
                raise
            await answer.send_bug(fault)


class _Answer:
    """One response on its way out."""

    def __init__(self, request: Request, send: Send) -> None:
        self._request = request
        self._send = send
        self._held: Message | None = None
        self._body = b""
        self.started = False

    async def send(self, message: Message) -> None:
        """Pass a message on, or hold it back while it belongs to a problem."""
        if message["type"] == "http.response.start":
            if MutableHeaders(raw=message["headers"]).get("content-type", "").startswith(MEDIA_TYPE):
                self._held = message
                return
        elif self._held is not None:
            self._body += message.get("body", b"")
            if not message.get("more_body"):
                await self._send_page(
                    Problem.model_validate_json(self._body), MutableHeaders(raw=self._held["headers"])
                )
            return
        self.started = True
        await self._send(message)

    async def send_bug(self, fault: Exception) -> None:
        """The page for an exception that nobody caught. The log has where it happened."""
        request_id = getattr(self._request.state, "request_id", "")
        headers = MutableHeaders({**SECURITY_HEADERS, "Cache-Control": "no-store", "X-Request-Id": request_id})
        await self._send_page(problem_of(internal_error(fault), request_id), headers)

    async def _send_page(self, problem: Problem, headers: MutableHeaders) -> None:
        request = self._request
        error = of_problem(problem, headers.get("retry-after"), words_of(request))
        kept = {name: value for name, value in headers.items() if name not in ("content-type", "content-length")}
        response = page(request, "error.html", {"error": error}, status=problem.status)
        for name, value in kept.items():
            response.headers.setdefault(name, value)
        self.started = True
        await response(request.scope, request.receive, self._send)


def _path(scope: Scope) -> str:
    return str(scope["path"]).removeprefix(scope.get("root_path", ""))
