from fastapi.testclient import TestClient

from service.api.response_headers import SECURITY_HEADERS
from service.installation import Installation
from service.web import create_app


def test_the_api_is_there_beside_the_pages(client: TestClient) -> None:
    assert client.get("/healthz").status_code == 200
    assert client.get("/no/such").json()["code"] == "not_found"


def test_pages_are_not_in_the_document(installation: Installation) -> None:
    app = create_app(installation)
    assert not [path for path in app.openapi()["paths"] if not path.startswith(("/v1/", "/healthz", "/readyz"))]


def test_they_can_be_switched_off(installation: Installation) -> None:
    installation.settings.__dict__["pages"] = False
    client = TestClient(create_app(installation), raise_server_exceptions=False)
    for path in ("/", "/generate"):
        assert client.get(path).json()["code"] == "not_found"
    assert client.get("/healthz").status_code == 200


def test_a_page_has_every_header_of_a_response(client: TestClient) -> None:
    headers = client.get("/").headers
    own = {"Content-Security-Policy", "Referrer-Policy"}
    assert {name: headers[name] for name in SECURITY_HEADERS if name not in own} == {
        name: value for name, value in SECURITY_HEADERS.items() if name not in own
    }
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["cache-control"] == "no-store"
