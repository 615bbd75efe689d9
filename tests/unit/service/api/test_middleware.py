import json

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import create_engine

from service.api import create_app
from service.api.middleware import LARGEST_JSON
from service.installation import Installation
from service.kit.strict_schema import MAX_MEMBERS
from service.storage import Database

JSON, TEXT = ("content-type", "application/json"), ("content-type", "text/plain")
PATHS = ["/v1/images/generations", "/v1/appeals", "/v1/takedowns"]


@pytest.fixture
def client(painted_installation: Installation) -> TestClient:
    return TestClient(create_app(painted_installation), raise_server_exceptions=False)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("types", [[JSON], [JSON, TEXT], [TEXT, JSON]])
def test_json_is_short_whatever_else_it_says_it_is(client: TestClient, path: str, types: list[object]) -> None:
    body = json.dumps({"prompt": "x" * LARGEST_JSON})
    response = client.post(path, content=body, headers=types)  # type: ignore[arg-type]
    assert (response.status_code, response.json()["code"]) == (413, "too_large")


def test_the_longest_notice_fits_letters_escaped() -> None:
    letter = json.dumps("\N{FOX FACE}").strip('"')
    assert len(letter) * (200 + 2000 + 2000 + 4000 + 500) + 4000 < LARGEST_JSON


@pytest.mark.parametrize("path", PATHS)
def test_many_members_are_refused_at_once(client: TestClient, path: str) -> None:
    body = {f"a{number}": 1 for number in range(MAX_MEMBERS + 1)}
    response = client.post(path, json=body)
    assert (response.status_code, response.json()["code"]) == (400, "bad_request")
    assert f"more than {MAX_MEMBERS} members" in response.json()["detail"]


@pytest.mark.parametrize(
    "path",
    [
        "/v1/images/held/%00",
        "/v1/consent/receipts/G%00",
        "/v1/appeals/a%00",
        "/v1/takedowns/%00",
        "/v1/consent/subjects/%00",
        "/v1/consent/subjects/S/images/%00/withdraw",
    ],
)
def test_a_nul_is_in_no_number(client: TestClient, installation: Installation, path: str) -> None:
    installation.ledger._database = Database(create_engine("sqlite:////no/such/ledger.db"))  # who asks it is told 503
    response = client.get(path, headers={"x-case-pin": "1", "x-subject-pin": "1"})
    assert (response.status_code, response.json()["code"]) == (404, "not_found")
    assert response.headers["x-request-id"] == response.json()["instance"]


@pytest.mark.parametrize("about", ["refusal", "verdict", "takedown"])
def test_nor_in_what_an_appeal_is_about(client: TestClient, about: str) -> None:
    response = client.post("/v1/appeals", json={"about": about, "subject": "a\0b", "statement": "x"})
    assert (response.status_code, response.json()["code"]) == (400, "bad_request")
