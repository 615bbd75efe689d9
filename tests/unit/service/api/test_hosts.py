import pytest
from fastapi.testclient import TestClient

from service.api import create_app
from service.installation import Installation


def client(installation: Installation, allowed: tuple[str, ...] = ()) -> TestClient:
    """Of a server that is reached at 192.0.2.7."""
    installation.settings.__dict__["allowed_hosts"] = allowed
    return TestClient(create_app(installation), base_url="http://192.0.2.7:8000")


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("LOCALHOST:8000", 200),
        ("localhost.", 200),
        ("127.0.0.1:8000", 200),
        ("[::1]:8000", 200),
        ("192.0.2.7:8000", 200),  # where the request came to
        ("192.0.2.8", 421),
        ("evil.example", 421),
        ("localhost.evil.example", 421),
        ("evil.example#localhost", 421),
        ("", 421),
        ("[::1", 200),
    ],
)
def test_by_default_only_this_machine_and_this_address(installation: Installation, host: str, status: int) -> None:
    response = client(installation).get("/healthz", headers={"host": host})
    assert response.status_code == status
    if status != 200:
        assert response.json()["code"] == "unknown_host"
        assert "example" not in response.text
        assert response.headers["x-request-id"] == response.json()["instance"]


@pytest.mark.parametrize(
    ("allowed", "host", "status"),
    [
        ("images.example.com", "Images.Example.com:443", 200),
        ("images.example.com", "example.com", 421),
        ("*.example.com", "a.b.example.com", 200),
        ("*.example.com", "example.com", 421),
        ("*.example.com", "evilexample.com", 421),
        ("*", "anything", 200),
    ],
)
def test_the_operator_names_more(installation: Installation, allowed: str, host: str, status: int) -> None:
    assert client(installation, (allowed,)).get("/healthz", headers={"host": host}).status_code == status


def test_two_hosts_are_none(installation: Installation) -> None:
    headers = [("host", "localhost"), ("host", "evil.example")]
    assert client(installation).get("/healthz", headers=headers).status_code == 421
