import datetime as dt

import pytest
from fastapi.testclient import TestClient

from service.access.tenants import Terms
from service.api.consent import SigningKey
from service.installation import Installation
from service.likeness.schemas import Enrolled, Grant
from tests.support.people import BOB, enrolled


@pytest.fixture
def ann(installation: Installation) -> Enrolled:
    return enrolled(installation.consent)


def give(installation: Installation, subject: str, grantee: str = "default") -> Grant:
    return installation.consent.grants.give(subject, "a poster", ["portrait"], grantee, dt.timedelta(days=1))


def test_a_receipt_can_be_checked_by_anybody(client: TestClient, installation: Installation, ann: Enrolled) -> None:
    grant = give(installation, ann.subject)
    response = client.get(f"/v1/consent/receipts/{grant.id}")
    assert response.json() == {
        "id": grant.id,
        "state": "live",
        "digest": grant.receipt_digest,
        "expires_at": grant.expires_at,
        "revoked_at": None,
    }
    assert client.get("/v1/consent/receipts/G-NONE").json()["code"] == "not_found"


def test_the_key_is_a_complete_jwk(client: TestClient, installation: Installation) -> None:
    signer = installation.consent.grants.signer
    assert client.get("/v1/consent/keys").json() == {"keys": [signer.public_jwk]}
    assert SigningKey.model_validate(signer.public_jwk).model_dump() == signer.public_jwk


def test_a_tenant_sees_the_grants_made_out_to_it(client: TestClient, installation: Installation, ann: Enrolled) -> None:
    assert client.get("/v1/consent/grants").status_code == 401
    key = installation.tenants.add(Terms(name="acme")).key
    grant = give(installation, ann.subject, "acme")
    give(installation, ann.subject)
    found = client.get("/v1/consent/grants", headers={"Authorization": f"Bearer {key}"})
    assert [each["id"] for each in found.json()] == [grant.id]


def test_a_subject_sees_and_revokes_its_grants(client: TestClient, installation: Installation, ann: Enrolled) -> None:
    grant = give(installation, ann.subject)
    here, pin = f"/v1/consent/subjects/{ann.subject}", {"X-Subject-Pin": ann.pin}
    assert [each["state"] for each in client.get(here, headers=pin).json()["grants"]] == ["live"]
    revoked = client.post(f"{here}/grants/{grant.id}/revoke", headers=pin)
    assert (revoked.status_code, revoked.json()["state"]) == (200, "revoked")


@pytest.mark.parametrize("pin", [None, "", "00000000", "x" * 41])
def test_without_the_pin_nothing_is_shown(client: TestClient, ann: Enrolled, pin: str | None) -> None:
    headers = {} if pin is None else {"X-Subject-Pin": pin}
    response = client.get(f"/v1/consent/subjects/{ann.subject}", headers=headers)
    assert response.status_code in (400, 404)
    assert "grants" not in response.json()


def test_nobody_revokes_the_grants_of_others(client: TestClient, installation: Installation, ann: Enrolled) -> None:
    bobs = give(installation, enrolled(installation.consent, BOB).subject)
    here, pin = f"/v1/consent/subjects/{ann.subject}", {"X-Subject-Pin": ann.pin}
    response = client.post(f"{here}/grants/{bobs.id}/revoke", headers=pin)
    assert (response.status_code, response.json()["code"]) == (404, "not_found")
    assert installation.consent.grants.of(bobs.id).state == "live"


def test_an_image_that_does_not_exist_cannot_be_withdrawn(client: TestClient, ann: Enrolled) -> None:
    here = f"/v1/consent/subjects/{ann.subject}/images/urn:uuid:none/withdraw"
    assert client.post(here, headers={"X-Subject-Pin": ann.pin}).status_code == 404
