import pytest
from fastapi.testclient import TestClient

from service.installation import Installation

APPEAL = {"about": "verdict", "subject": "a" * 64, "statement": "It is a photo of mine."}


def test_an_appeal_is_filed_and_its_status_can_be_read(client: TestClient) -> None:
    filed = client.post("/v1/appeals", json=APPEAL)
    assert filed.status_code == 201
    assert (filed.json()["status"], filed.json()["about"]) == ("filed", "verdict")
    status = client.get(f"/v1/appeals/{filed.json()['id']}")
    assert status.status_code == 200
    assert status.json() == filed.json()


def test_a_resolved_appeal_says_why(client: TestClient, installation: Installation) -> None:
    number = client.post("/v1/appeals", json=APPEAL).json()["id"]
    installation.appeals.resolve(number, "overturned", "Olga Operator", "it is a photo")
    status = client.get(f"/v1/appeals/{number}").json()
    assert (status["status"], status["reason"]) == ("overturned", "it is a photo")
    assert "Olga" not in str(status)


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"about": "weather"}, 400, "bad_request"),
        ({"statement": ""}, 400, "bad_request"),
        ({"subject": "not a hash"}, 400, "bad_request"),
        ({"unknown": 1}, 400, "bad_request"),
        ({"about": "refusal"}, 404, "not_found"),
        ({"about": "takedown"}, 404, "not_found"),
    ],
)
def test_what_cannot_be_appealed(client: TestClient, changes: dict[str, object], status: int, code: str) -> None:
    response = client.post("/v1/appeals", json={**APPEAL, **changes})
    assert (response.status_code, response.json()["code"]) == (status, code)


def test_an_unknown_number(client: TestClient) -> None:
    assert client.get("/v1/appeals/A-NONE").json()["code"] == "not_found"
