import json

import pytest
from fastapi import Request
from fastapi.testclient import TestClient

from service.api import create_app
from service.api.examples import example_of
from service.api.failures import NEVER_ANSWERED
from service.api.problems import MEDIA_TYPE, Problem, headers_of, internal_error, problem_of, respond
from service.installation import Installation
from service.kit.errors import (
    BadRequest,
    Busy,
    Error,
    LikenessHeld,
    NotFound,
    PromptRefused,
    StageFailed,
    TooMany,
    Unauthorized,
    Unavailable,
    Unsafe,
    tree,
)

ANSWERED = [error for error in dict.fromkeys(tree()) if error not in NEVER_ANSWERED]


def request() -> Request:
    return Request({"type": "http", "state": {"request_id": "r1"}})


@pytest.mark.parametrize("error", ANSWERED)
def test_every_error_is_a_problem(error: type[Error]) -> None:
    response = respond(example_of(error), request())
    assert response.status_code == error.status
    assert response.headers["content-type"] == MEDIA_TYPE
    body = json.loads(bytes(response.body))
    problem = Problem.model_validate(body)
    assert (problem.code, problem.status, problem.instance) == (error.code, error.status, "r1")
    assert problem.error.code == ("moderation_blocked" if error is PromptRefused else error.code)
    assert problem.hint in problem.error.message
    assert ("appeal" in body) == (getattr(example_of(error), "content_id", None) is not None)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (Unsafe("x", stage="screen"), "image_generation_user_error"),
        (LikenessHeld("x", stage="screen"), "image_generation_user_error"),
        (Busy("x", retry_after=1), "rate_limit_error"),
        (TooMany(1), "rate_limit_error"),
        (BadRequest("x"), "invalid_request_error"),
        (StageFailed("x", stage="screen"), "server_error"),
        (Error("x"), "server_error"),
    ],
)
def test_openais_clients_get_the_type_they_know(error: Error, kind: str) -> None:
    assert problem_of(error, "r1").error.type == kind


def test_the_field_that_is_wrong_is_named() -> None:
    assert problem_of(BadRequest("x", param="size"), "r1").error.param == "size"
    assert problem_of(BadRequest("x"), "r1").error.param is None


def test_a_status_can_replace_the_errors_own() -> None:
    assert problem_of(BadRequest("x"), "r1", 405).status == 405
    assert problem_of(BadRequest("x"), "r1", 503).error.type == "server_error"


@pytest.mark.parametrize(
    ("error", "headers"),
    [
        (Busy("x", retry_after=7), {"Retry-After": "7"}),
        (TooMany(9), {"Retry-After": "9"}),
        (Unavailable("x"), {"Retry-After": "10"}),
        (Unauthorized("x"), {"WWW-Authenticate": 'Bearer realm="countermark"'}),
        (NotFound("x"), {}),
    ],
)
def test_headers(error: Error, headers: dict[str, str]) -> None:
    assert headers_of(error) == headers


def test_an_unexpected_exception_is_logged_without_its_message(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        raise RuntimeError("a prompt")
    except RuntimeError as fault:
        error = internal_error(fault)
    assert (error.code, error.status) == ("internal", 500)
    assert "prompt" not in error.message
    logged = capsys.readouterr()
    assert "RuntimeError" in logged.err + logged.out
    assert "a prompt" not in logged.err + logged.out


def test_what_fastapi_raises_itself(installation: Installation) -> None:
    client = TestClient(create_app(installation))
    for path, method, status, code in (
        ("/no/such", "GET", 404, "not_found"),
        ("/healthz", "DELETE", 405, "bad_request"),
        ("/v1/appeals", "POST", 400, "bad_request"),
    ):
        response = client.request(method, path)
        assert (response.status_code, response.json()["code"]) == (status, code)
        assert response.headers["content-type"] == MEDIA_TYPE
    assert client.delete("/healthz").headers["allow"] == "GET"
