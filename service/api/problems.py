"""Errors over HTTP: problem+json (RFC 9457) with our stable `code`, and OpenAI's `error` member beside it."""

import traceback
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from service.kit.errors import (
    BadRequest,
    Blocked,
    Busy,
    Error,
    LikenessHeld,
    LikenessRefused,
    NotFound,
    PromptRefused,
    Refusal,
    StageFailed,
    TooMany,
    Unauthorized,
    Unavailable,
    Unmarkable,
    Unsafe,
    first_fault,
)

log = structlog.get_logger()
MEDIA_TYPE = "application/problem+json"
_RETRY_SECONDS = 10


class OpenAIError(BaseModel):
    """The member that OpenAI's clients read."""

    message: str
    type: str
    param: str | None = None
    code: str


class Problem(BaseModel):
    """RFC 9457 problem details. `code` is stable, `hint` says what to do next, `appeal` what an appeal can name."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str
    hint: str
    instance: str
    appeal: str | None = None
    error: OpenAIError


def respond(error: Error, request: Request, status: int | None = None) -> JSONResponse:
    """The response for one of our errors; `status` overrides its own."""
    status = status or error.status
    asked = isinstance(error, (PromptRefused, LikenessRefused, LikenessHeld, Unsafe, Blocked, Unmarkable))
    kind = "image_generation_user_error" if asked else "invalid_request_error"
    kind = "rate_limit_error" if isinstance(error, (Busy, TooMany)) else kind
    problem = Problem(
        title=type(error).__name__,
        status=status,
        detail=error.message,
        code=error.code,
        hint=error.hint,
        instance=getattr(request.state, "request_id", ""),
        appeal=error.content_id if isinstance(error, Refusal) else None,
        error=OpenAIError(
            message=f"{error.message}. {error.hint}",
            type=kind if status < 500 else "server_error",
            code=error.code,
        ),
    )
    return JSONResponse(
        problem.model_dump(exclude=set() if problem.appeal else {"appeal"}),
        status,
        _headers(error),
        media_type=MEDIA_TYPE,
    )


def _headers(error: Error) -> dict[str, str]:
    headers = {"Retry-After": str(seconds)} if (seconds := _retry_after(error)) else {}
    if isinstance(error, Unauthorized):
        headers["WWW-Authenticate"] = 'Bearer realm="countermark"'  # RFC 9110 asks for it in every 401
    return headers


def _retry_after(error: Error) -> int | None:
    """Seconds after which the same request may succeed; None: no time helps."""
    if isinstance(error, (Busy, TooMany)):
        return error.retry_after
    return _RETRY_SECONDS if isinstance(error, (Unavailable, StageFailed)) else None


def describe(app: FastAPI) -> None:
    """Leave out of the OpenAPI document what is never answered: FastAPI's own 422 and its schemas."""
    whole = app.openapi

    def openapi() -> dict[str, Any]:
        document = whole()
        for operations in document["paths"].values():
            for operation in operations.values():
                if "HTTPValidationError" in str(operation["responses"].get("422")):
                    del operation["responses"]["422"]
        for name in ("HTTPValidationError", "ValidationError"):
            document["components"]["schemas"].pop(name, None)
        return document

    app.openapi = openapi  # type: ignore[method-assign] # FastAPI's documented way


def install(app: FastAPI) -> None:
    """Make every error of the app a problem, FastAPI's own ones too."""

    @app.exception_handler(Error)
    async def ours(request: Request, error: Error) -> JSONResponse:
        if error.status >= 500 and not isinstance(error, (Refusal, Unavailable)):
            log.error("internal_error", code=error.code)
        return respond(error, request)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        return respond(BadRequest(first_fault(error.errors())), request)

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> JSONResponse:
        if isinstance(error.__cause__, Error):  # FastAPI's word for whatever reading the body raised
            return respond(error.__cause__, request)
        plain = NotFound("there is no such address") if error.status_code == 404 else BadRequest(str(error.detail))
        response = respond(plain, request, error.status_code)
        response.headers.update(error.headers or {})
        return response

    @app.exception_handler(Exception)
    async def bug(request: Request, error: Exception) -> JSONResponse:
        response = respond(our_bug(error), request)
        response.headers["x-request-id"] = request.state.request_id  # this handler runs outside the middleware
        return response


def our_bug(fault: BaseException) -> Error:
    """What is told of an unforeseen exception; the log has where, not what: its words may hold a part of a prompt."""
    at = traceback.extract_tb(fault.__traceback__)[-1]
    log.error("bug", error=type(fault).__name__, at=f"{at.filename}:{at.lineno}")
    return Error("something went wrong on our side")


def responses(*errors: type[Error]) -> dict[int | str, dict[str, Any]]:
    """OpenAPI entries for the errors an endpoint answers with."""
    by_status: dict[int | str, dict[str, Any]] = {}
    for error in errors:
        entry = by_status.setdefault(error.status, {"model": Problem, "description": ""})
        entry["description"] += f"`{error.code}`: {error.hint} "
    return by_status
