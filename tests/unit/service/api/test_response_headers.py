import pytest
from fastapi.testclient import TestClient

from service.api.dependencies import services_of
from service.api.response_headers import SECURITY_HEADERS


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/no/such", "/openapi.json", "/docs/assets/swagger-ui.css"])
def test_every_response_has_them(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    assert {name: headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS


def test_also_a_bug(client: TestClient) -> None:
    services_of(client.app).image_threads.shutdown()  # type: ignore[arg-type]
    response = client.post("/v1/inspect", content=b"x")
    assert response.status_code == 500
    assert {name: response.headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS


def test_a_page_keeps_its_own_policy(client: TestClient) -> None:
    policy = client.get("/docs").headers.get_list("content-security-policy")
    assert len(policy) == 1
    assert "script-src 'self'" in policy[0]
    assert "frame-ancestors 'none'" in policy[0]
