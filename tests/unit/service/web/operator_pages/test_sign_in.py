import pytest
from fastapi.testclient import TestClient

from service.access.tenants import Terms
from service.installation import Installation
from service.web import create_app
from service.web.operator_pages.session import COOKIE
from tests.support.operators import Signed


def test_whoever_signs_out_has_no_session(operator: Signed) -> None:
    assert "Signed in: ops cm_" in operator.open()
    token = operator.client.cookies[COOKIE]
    left = operator.send("/sign-out")
    assert (left.status_code, left.headers["location"]) == (303, "/operator")
    operator.client.cookies.set(COOKIE, token, path="/operator")  # somebody kept it
    assert operator.client.get("/operator").status_code == 401


def test_another_key_is_told_what_it_lacks(client: TestClient, installation: Installation) -> None:
    key = installation.tenants.add(Terms(name="acme")).key
    refused = Signed(client, key).signed_in
    assert (refused.status_code, "set-cookie" in refused.headers) == (403, False)
    assert "This key is not for this" in refused.text
    assert key[11:] not in refused.text


@pytest.mark.parametrize("key", ["", "cm_wrong", "\0"])
def test_what_is_no_key_is_told(client: TestClient, key: str) -> None:
    refused = Signed(client, key).signed_in
    assert (refused.status_code, "set-cookie" in refused.headers) == (401, False)


def test_another_site_cannot_sign_anybody_in(client: TestClient) -> None:
    refused = client.post("/operator/sign-in", files={"key": (None, "x")}, headers={"sec-fetch-site": "cross-site"})
    assert refused.status_code == 400


def test_an_address_cannot_try_for_ever(installation: Installation) -> None:
    installation.settings.__dict__["requests_per_minute"] = 2
    client = TestClient(create_app(installation))
    assert [Signed(client, "cm_wrong").signed_in.status_code for _ in range(3)] == [401, 401, 429]
