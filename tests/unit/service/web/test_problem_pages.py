import pytest
from fastapi.testclient import TestClient

from service.api.dependencies import services_of
from service.api.response_headers import SECURITY_HEADERS
from tests.assets import hostile

IMAGE = hostile.save(hostile.picture(), "PNG")


def test_a_bug_is_a_page_without_its_details(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    services_of(client.app).image_threads.shutdown()  # type: ignore[arg-type]
    page = client.post("/", files={"file": ("a.png", IMAGE)}, headers={"x-request-id": "abc"})
    assert (page.status_code, page.headers["content-type"]) == (500, "text/html; charset=utf-8")
    assert "An internal error" in page.text
    assert "Request abc" in page.text
    assert "shutdown" not in page.text
    assert "Traceback" not in page.text
    assert {name for name in SECURITY_HEADERS if name in page.headers} == set(SECURITY_HEADERS)
    assert "unsafe" not in page.headers["content-security-policy"]


def test_limits_before_the_routes_answer_with_pages_too(client: TestClient) -> None:
    page = client.get("/", headers={"host": "elsewhere.example"})
    assert (page.status_code, page.headers["content-type"]) == (421, "text/html; charset=utf-8")
    assert "This address is not allowed here" in page.text
    assert page.headers.get_list("content-security-policy") == [page.headers["content-security-policy"]]


def test_an_error_without_words_of_its_own_has_those_of_the_api(client: TestClient) -> None:
    page = client.put("/", headers={"accept-language": "de"})
    assert page.status_code == 405
    assert "Die Anfrage war nicht verständlich" in page.text
    assert '<p lang="en">Method Not Allowed.</p>' in page.text


def test_the_api_keeps_its_problems(client: TestClient) -> None:
    problem = client.post("/v1/inspect", content=b"text")
    assert problem.headers["content-type"] == "application/problem+json"
