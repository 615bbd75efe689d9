import base64

import pytest
from fastapi.testclient import TestClient

from service.access.tenants import Terms
from service.api import create_app
from service.api.a1111 import _key
from service.installation import Installation


def test_the_routes_are_off_by_default(painting_client: TestClient) -> None:
    assert painting_client.get("/sdapi/v1/options").status_code == 404


@pytest.mark.parametrize(
    ("header", "key"),
    [
        ("Bearer cm_1", "cm_1"),
        ("Basic " + base64.b64encode(b"user:cm_1").decode(), "cm_1"),
        ("basic " + base64.b64encode(b":cm:1").decode(), "cm:1"),
        ("Basic " + base64.b64encode(b"cm_1").decode(), ""),
        ("Basic " + base64.b64encode(b"\xff").decode(), ""),
        ("Basic !", ""),
        ("cm_1", ""),
        ("", ""),
    ],
)
def test_a_key_is_a_token_or_a_password(header: str, key: str) -> None:
    assert _key(header) == key


def test_once_there_is_a_tenant_each_route_needs_its_key(painted_installation: Installation) -> None:
    settings = painted_installation.settings.model_copy(update={"a1111_routes": True})
    painted_installation.settings = settings
    key = painted_installation.tenants.add(Terms(name="acme")).key
    client = TestClient(create_app(painted_installation))
    paths = {"txt2img": "POST", "img2img": "POST", "options": "GET", "sd-models": "GET", "progress": "GET"}
    for path, method in (*paths.items(), ("options", "POST")):
        response = client.request(method, f"/sdapi/v1/{path}", json={"prompt": "x"})
        assert (response.status_code, response.json()["code"]) == (401, "unauthorized"), path
    assert client.get("/sdapi/v1/options", auth=("user", key)).status_code == 200
