import json

import pytest
from fastapi.testclient import TestClient

from service.access.pin_attempts import PinAttempts
from service.access.tenants import Terms
from service.api.middleware import LARGEST_JSON
from service.installation import Installation
from tests.assets import hostile
from tests.support.clock import Clock

URL = "/v1/takedowns"
NOTICE = {
    "signature": "Ann Example",
    "url": "https://example.com/a.jpg",
    "statement": "I did not agree.",
    "good_faith": True,
    "contact": "ann@example.com",
}
IMAGE = hostile.save(hostile.picture(), "PNG")


def form(**parts: object) -> dict[str, object]:
    return {"data": {"notice": json.dumps(NOTICE)}, **parts}


def test_a_notice_as_json(client: TestClient) -> None:
    receipt = client.post(URL, json=NOTICE)
    assert receipt.status_code == 201
    body = receipt.json()
    status = client.get(f"{URL}/{body['case']}", headers={"X-Case-Pin": body["pin"]})
    assert (status.status_code, status.json()["status"]) == (200, "received")
    assert status.json()["due_at"] == body["due_at"]


def test_a_notice_with_a_copy(client: TestClient) -> None:
    receipt = client.post(URL, **form(files={"file": ("a.png", IMAGE)}))  # type: ignore[arg-type]
    assert (receipt.status_code, receipt.json()["blocked"]) == (201, True)
    assert receipt.json()["quarantined_until"] > receipt.json()["due_at"]


def test_a_notice_with_a_key_is_no_quarantine(client: TestClient, installation: Installation) -> None:
    key = installation.tenants.add(Terms(name="flagger")).key
    receipt = client.post(URL, headers={"Authorization": f"Bearer {key}"}, **form(files={"file": ("a.png", IMAGE)}))  # type: ignore[arg-type]
    assert (receipt.json()["blocked"], receipt.json()["quarantined_until"]) == (True, None)
    assert client.post(URL, json=NOTICE, headers={"Authorization": "Bearer cm_wrong"}).status_code == 401


def test_whoever_has_the_pin_of_a_case_passes_while_others_guess(
    client: TestClient, installation: Installation
) -> None:
    installation.pins = PinAttempts(installation.ledger, str, Clock())
    body = client.post(URL, json=NOTICE).json()
    here = f"{URL}/{body['case']}"
    codes = [client.get(here, headers={"X-Case-Pin": "0000-0000-0000"}).status_code for _ in range(7)]
    assert codes == [404] * 5 + [429] * 2
    assert client.get(here, headers={"X-Case-Pin": body["pin"]}).status_code == 200


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        ({"json": {**NOTICE, "good_faith": False}}, 400, "bad_request"),
        ({"json": {key: value for key, value in NOTICE.items() if key != "url"}}, 400, "bad_request"),
        ({"content": b"{"}, 400, "bad_request"),
        ({"content": b" " * (LARGEST_JSON + 1)}, 413, "too_large"),
        ({"files": {"file": ("a.png", IMAGE)}}, 400, "bad_request"),
        (form(files={"photo": ("a.png", IMAGE)}), 400, "bad_request"),
        (form(files={"file": ("a.txt", b"text")}), 415, "unsupported_format"),
        ({"data": {"notice": "{"}, "files": {"file": ("a.png", IMAGE)}}, 400, "bad_request"),
    ],
)
def test_what_is_not_a_notice(client: TestClient, sent: dict[str, object], status: int, code: str) -> None:
    response = client.post(URL, **sent)  # type: ignore[arg-type]
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert "Ann" not in response.text


@pytest.mark.parametrize("pin", ["00000000", ""])
def test_without_the_pin_a_case_is_not_found(client: TestClient, pin: str) -> None:
    case = client.post(URL, json=NOTICE).json()["case"]
    assert client.get(f"{URL}/{case}", headers={"X-Case-Pin": pin}).status_code == 404
    assert client.get(f"{URL}/{case}").status_code == 400
