import pytest
from fastapi.testclient import TestClient

from service.access.tenants import Terms
from service.installation import Installation

ORDERS, GRANTS, INSPECT = "/v1/images/generations", "/v1/consent/grants", "/v1/inspect"


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def test_without_tenants_the_gateway_is_open(painting_client: TestClient) -> None:
    assert painting_client.post(ORDERS, json={"prompt": "a lake"}).status_code == 200


def test_the_first_tenant_closes_it(painting_client: TestClient, installation: Installation) -> None:
    key = installation.tenants.add(Terms(name="acme")).key
    refused = painting_client.post(ORDERS, json={"prompt": "a lake"})
    assert (refused.status_code, refused.json()["code"]) == (401, "unauthorized")
    assert refused.headers["www-authenticate"] == 'Bearer realm="countermark"'
    assert painting_client.post(ORDERS, json={"prompt": "a lake"}, headers=bearer(key)).status_code == 200


def test_a_list_of_grants_always_needs_a_key(client: TestClient) -> None:
    assert client.get(GRANTS).status_code == 401


@pytest.mark.parametrize("value", ["", "Bearer", "Bearer ", "Basic {key}", "Bearer {key}x", "{key}"])
def test_what_is_not_a_valid_key(client: TestClient, installation: Installation, value: str) -> None:
    key = installation.tenants.add(Terms(name="acme")).key
    response = client.get(GRANTS, headers={"Authorization": value.format(key=key)})
    assert response.status_code == 401
    assert key[3:] not in response.text


def test_the_examiner_can_be_kept_to_tenants(client: TestClient, installation: Installation) -> None:
    key = installation.tenants.add(Terms(name="acme")).key
    assert client.post(INSPECT, content=b"x").status_code == 415
    installation.settings.__dict__["examiner_needs_key"] = True
    assert client.post(INSPECT, content=b"x").status_code == 401
    assert client.post(INSPECT, content=b"x", headers=bearer(key)).status_code == 415
