"""Errors over HTTP: problem+json (RFC 9457) with a stable `code`, and the `error` member that OpenAI's clients read."""

import traceback

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from service.api.response_headers import SECURITY_HEADERS
from service.kit.errors import (
    BadRequest,
    Blocked,
    Busy,
    Disconnected,
    EditTooSmall,
    Error,
    IdempotencyKeyInUse,
    JobUnfinished,
    KeyExpired,
    KeyRevoked,
    LikenessHeld,
    LikenessRefused,
    NotFound,
    Overloaded,
    PromptRefused,
    Refusal,
    ScopeMissing,
    StageFailed,
    TooMany,
    Unauthorized,
    Unavailable,
    Unmarkable,
    Unsafe,
    bad_field,
)

log = structlog.get_logger()
MEDIA_TYPE = "application/problem+json"
_RETRY_SECONDS = 10
_USER_ERRORS = (PromptRefused, LikenessRefused, LikenessHeld, Unsafe, Blocked, Unmarkable, EditTooSmall)


class OpenAIError(BaseModel):
    """The same error in the shape that OpenAI's clients read."""

    message: str
    type: str
    param: str | None = Field(None, description="The field of the request that is wrong.")
    code: str = Field(description="The problem's own; `moderation_blocked` also for a refused prompt.")


class Problem(BaseModel):
    """Problem details as RFC 9457 defines them, with members of our own."""

    type: str = "about:blank"
    title: str
    status: int = Field(description="The HTTP status, repeated.")
    detail: str = Field(description="What happened and why. Not stable.")
    code: str = Field(description="Names the error. Stable.")
    hint: str = Field(description="What to do next.")
    instance: str = Field(description="The id of the request, as in the header `X-Request-Id`.")
    appeal: str | None = Field(None, description="The content id of a refusal, to name in an appeal.")
    error: OpenAIError


def problem_of(error: Error, request_id: str, status: int | None = None) -> Problem:
    """The body for an error. `status` replaces the error's own."""
    status = error.status if status is None else status
    return Problem(
        title=type(error).__name__,
        status=status,
        detail=error.message,
        code=error.code,
        hint=error.hint,
        instance=request_id,
        appeal=error.content_id if isinstance(error, Refusal) else None,
        error=OpenAIError(
            message=f"{error.message}. {error.hint}",
            type=_openai_type(error, status),
            param=error.param if isinstance(error, BadRequest) else None,
            code=_openai_code(error),
        ),
    )


def respond(error: Error, request: Request, status: int | None = None) -> JSONResponse:
    """The response for an error. `status` replaces the error's own."""
    problem = problem_of(error, getattr(request.state, "request_id", ""), status)
    content = problem.model_dump(exclude=set() if problem.appeal else {"appeal"})
    return JSONResponse(content, problem.status, headers_of(error), media_type=MEDIA_TYPE)


def headers_of(error: Error) -> dict[str, str]:
    """Headers that the response for an error has besides its media type."""
    headers = {"Retry-After": str(seconds)} if (seconds := _retry_after(error)) else {}
    if (challenge := _challenge(error)) is not None:
        headers["WWW-Authenticate"] = f'Bearer realm="countermark"{challenge}'  # RFC 9110 requires it in every 401
    return headers


def _challenge(error: Error) -> str | None:
    """What is wrong with the key, in RFC 6750's words; None if it is something else."""
    if isinstance(error, (KeyExpired, KeyRevoked)):
        return ', error="invalid_token"'
    if isinstance(error, ScopeMissing):
        return f', error="insufficient_scope", scope="{error.scope}"'
    return "" if isinstance(error, Unauthorized) else None


def _openai_type(error: Error, status: int) -> str:
    if status >= 500:
        return "server_error"
    if isinstance(error, (Busy, TooMany)):
        return "rate_limit_error"
    return "image_generation_user_error" if isinstance(error, _USER_ERRORS) else "invalid_request_error"


def _openai_code(error: Error) -> str:
    """OpenAI has one code for a prompt and for an image that were refused."""
    return Unsafe.code if isinstance(error, PromptRefused) else error.code


def _retry_after(error: Error) -> int | None:
    """Seconds after which the same request may succeed. None: waiting does not help."""
    if isinstance(error, (Busy, IdempotencyKeyInUse, JobUnfinished, Overloaded, TooMany)):
        return error.retry_after
    return _RETRY_SECONDS if isinstance(error, (Unavailable, StageFailed)) else None


def install(app: FastAPI) -> None:
    """Answer every error with a problem, including those that FastAPI raises itself."""

    @app.exception_handler(Error)
    async def known(request: Request, error: Error) -> JSONResponse:
        if error.status >= 500 and not isinstance(error, (Refusal, Unavailable, Overloaded)):
            log.error("internal_error", code=error.code)
        return respond(error, request)

    @app.exception_handler(ClientDisconnect)
    async def left(request: Request, error: ClientDisconnect) -> JSONResponse:
        return respond(_disconnected(), request)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        return respond(bad_field(error.errors()), request)

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> JSONResponse:
        if isinstance(error.__cause__, Error):  # FastAPI wraps whatever reading the body raised
            return respond(error.__cause__, request)
        if isinstance(error.__cause__, ClientDisconnect):
            return respond(_disconnected(), request)
        known = NotFound("there is no such address") if error.status_code == 404 else BadRequest(str(error.detail))
        response = respond(known, request, error.status_code)
        response.headers.update(error.headers or {})
        return response

    @app.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> JSONResponse:
        response = respond(internal_error(error), request)
        response.headers.update(SECURITY_HEADERS)  # this handler runs outside the middleware
        response.headers["x-request-id"] = request.state.request_id
        return response


def _disconnected() -> Disconnected:
    """For the log: nobody reads the response."""
    return Disconnected("the client left before its request was answered")


def internal_error(fault: BaseException) -> Error:
    """The error to answer for an unexpected exception.

    The log gets where it happened and not its message, which may hold a part of a prompt.
    """
    at = traceback.extract_tb(fault.__traceback__)[-1]
    log.error("bug", error=type(fault).__name__, at=f"{at.filename}:{at.lineno}")
    return Error("an internal error occurred")
