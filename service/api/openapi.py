"""The OpenAPI document: what FastAPI derives, completed with what every operation really answers.

Three things are added to each operation: the errors that any such request can meet, derived from the operation itself;
its example; and for errors the media type that is sent, `application/problem+json`, which FastAPI cannot express.
"""

import copy
from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from service.api.examples import EXAMPLES, example_of, problem_example
from service.api.failures import EVERY_REQUEST
from service.api.problems import MEDIA_TYPE, Problem, headers_of
from service.api.rate_limits import is_limited
from service.kit.errors import (
    BadRequest,
    Busy,
    Error,
    IdempotencyKeyInUse,
    IdempotencyKeyReused,
    KeyExpired,
    KeyRevoked,
    Misconfigured,
    NotFound,
    RateLimited,
    TooMany,
    Unauthorized,
)

Json = dict[str, Any]

KEY_NAME = "Idempotency-Key"
KEY_FAILURES = (BadRequest, IdempotencyKeyReused, IdempotencyKeyInUse, Busy, Misconfigured)
"""What a request with this header can meet besides."""

_REFERENCE = "#/components/schemas/{model}"
_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_HEADERS = {
    "Retry-After": {"description": "Seconds to wait before the next attempt.", "schema": {"type": "integer"}},
    "WWW-Authenticate": {"schema": {"type": "string"}},
}


def failures(*errors: type[Error]) -> dict[int | str, Json]:
    """FastAPI's `responses` for the errors of a use case: one response a status, with an example for each code."""
    responses: dict[int | str, Json] = {}
    for error in errors:
        _add(responses, error)
    return responses


def reference(model: type[BaseModel]) -> Json:
    """A reference to the schema of a model, which must be among the `models` of `install`."""
    return {"$ref": _REFERENCE.format(model=model.__name__)}


def install(app: FastAPI, *models: type[BaseModel]) -> None:
    """Make `app.openapi` return the completed document. `models`: those that only a `reference` names."""
    derive = app.openapi

    def openapi() -> Json:
        if app.openapi_schema is None:
            app.openapi_schema = _completed(derive(), (Problem, *models))
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign] # as FastAPI documents it


def operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    """Method, path and description of every operation."""
    for path, item in document["paths"].items():
        yield from ((method, path, item[method]) for method in _METHODS if method in item)


def _completed(document: Json, models: tuple[type[BaseModel], ...]) -> Json:
    document = copy.deepcopy(document)  # FastAPI's holds parts of the routes, which other applications share
    schemas = document["components"]["schemas"]
    schemas |= models_json_schema([(model, "validation") for model in models], ref_template=_REFERENCE)[1]["$defs"]
    for _, path, operation in operations(document):
        for error in _met_by_any_request(path, operation):
            _add(operation["responses"], error)
        operation["responses"] = dict(sorted(operation["responses"].items()))
        EXAMPLES[operation["operationId"]].add_to(operation)
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    document["components"]["schemas"] = dict(sorted(schemas.items()))
    return document


def _met_by_any_request(path: str, operation: Json) -> Iterator[type[Error]]:
    """What a request for this operation can meet before or beside its use case."""
    yield from EVERY_REQUEST
    if "HTTPValidationError" in str(operation["responses"].get("422")):
        del operation["responses"]["422"]  # FastAPI's own answer, which `problems` replaces
        yield BadRequest
    if "requestBody" in operation:
        yield BadRequest
    if "{" in path:
        yield NotFound
    if operation.get("security"):
        yield from (Unauthorized, KeyExpired, KeyRevoked, RateLimited)
    if is_limited(path):
        yield TooMany
    if any(parameter["name"] == KEY_NAME for parameter in operation.get("parameters", ())):
        yield from KEY_FAILURES


def _add(responses: dict[int | str, Json], error: type[Error]) -> None:
    """Document an error, unless it is documented already."""
    example = example_of(error)
    response = responses.setdefault(str(error.status), {"description": "", "content": {}})
    content = response["content"].setdefault(MEDIA_TYPE, {"schema": reference(Problem), "examples": {}})
    content["examples"].setdefault(error.code, {"summary": error.hint, "value": problem_example(example)})
    response["description"] = ", ".join(f"`{code}`" for code in content["examples"])
    if headers := {name: _HEADERS[name] for name in headers_of(example)}:
        response.setdefault("headers", {}).update(headers)
