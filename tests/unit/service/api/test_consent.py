import datetime as dt

import pytest
from fastapi.testclient import TestClient

from service.access.pin_attempts import PinAttempts
from service.access.tenants import Terms
from service.api.consent import SigningKey
from service.installation import Installation
from service.kit.case_numbers import hash_pin
from service.likeness.schemas import Enrolled, Grant
from tests.support.clock import Clock
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
    assert ann.subject not in found.text  # with the number and a guessed PIN it could end what others were granted
    assert found.json()[0]["subject"] == installation.consent.grants.signer.alias(ann.subject, "acme")


def test_a_subject_sees_and_revokes_its_grants(client: TestClient, installation: Installation, ann: Enrolled) -> None:
    grant = give(installation, ann.subject)
    here, pin = f"/v1/consent/subjects/{ann.subject}", {"X-Subject-Pin": ann.pin}
    assert [each["state"] for each in client.get(here, headers=pin).json()["grants"]] == ["live"]
    revoked = client.post(f"{here}/grants/{grant.id}/revoke", headers=pin)
    assert (revoked.status_code, revoked.json()["state"]) == (200, "revoked")


def test_the_right_pin_passes_while_others_guess(client: TestClient, installation: Installation, ann: Enrolled) -> None:
    installation.pins = PinAttempts(installation.ledger, str, Clock())
    grant = give(installation, ann.subject)
    here = f"/v1/consent/subjects/{ann.subject}"
    codes = [client.get(here, headers={"X-Subject-Pin": "0000-0000-0000"}).status_code for _ in range(8)]
    assert codes == [404] * 5 + [429] * 3
    refused = client.get(here, headers={"X-Subject-Pin": "0000-0000-0000"})
    assert refused.json()["code"] == "too_many_pins"
    assert int(refused.headers["Retry-After"]) >= 1
    revoked = client.post(f"{here}/grants/{grant.id}/revoke", headers={"X-Subject-Pin": ann.pin})
    assert revoked.json()["state"] == "revoked"


def test_a_pin_is_renewed_with_the_old_one(client: TestClient, installation: Installation, ann: Enrolled) -> None:
    with installation.ledger.write() as stored:
        stored.subjects.set_pin(ann.subject, *hash_pin("12345678"))
    here, old = f"/v1/consent/subjects/{ann.subject}", {"X-Subject-Pin": "12345678"}
    assert "eight digits" in client.get(here, headers=old).json()["hint"]
    new = client.post(f"{here}/pin", headers=old).json()["pin"]
    assert client.get(here, headers=old).status_code == 404
    assert client.get(here, headers={"X-Subject-Pin": new}).json()["hint"] is None


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
