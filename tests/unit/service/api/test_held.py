import pytest
from fastapi.testclient import TestClient

from service.api import create_app
from service.api.dependencies import services_of
from service.gateway.order import Order
from service.gateway.pipeline import Gateway
from service.gateway.review_queue import HeldStatus
from service.installation import Installation

URL = "/v1/images/held"
ID = "urn:uuid:1"


def test_an_unknown_image(client: TestClient) -> None:
    response = client.get(f"{URL}/{ID}")
    assert (response.status_code, response.json()["code"]) == (404, "not_found")


def test_an_identifier_that_is_too_long(client: TestClient) -> None:
    assert client.get(f"{URL}/{'x' * 65}").json()["code"] == "bad_request"


def status(monkeypatch: pytest.MonkeyPatch, installation: Installation, state: str) -> list[tuple[str, str]]:
    """Let the review queue answer; what it was asked."""
    asked: list[tuple[str, str]] = []

    def answer(content_id: str, tenant: str) -> HeldStatus:
        asked.append((content_id, tenant))
        return HeldStatus.model_validate({"id": content_id, "status": state, "held_at": "a", "until": "b"})

    monkeypatch.setattr(installation.review_queue, "status", answer)
    return asked


def test_a_waiting_image_is_202(
    client: TestClient, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = status(monkeypatch, installation, "waiting")
    response = client.get(f"{URL}/{ID}")
    assert (response.status_code, response.json()["status"]) == (202, "waiting")
    assert asked == [(ID, "")]


def test_a_released_image_is_handed_over(
    painting_client: TestClient, painted_installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    status(monkeypatch, painted_installation, "released")
    released = painted_installation.gateway.release(Order(prompt="a lake", format="webp"))
    monkeypatch.setattr(Gateway, "hand_over", lambda self, content_id, observer, client: released)
    body = painting_client.get(f"{URL}/{ID}").json()
    assert (body["mime"], len(body["data"])) == ("image/webp", 1)
    assert body["countermark"]["content_id"] == released.admitted.content_id


def test_it_counts_as_an_order(installation: Installation) -> None:
    app = create_app(installation)
    capacity = services_of(app).order_capacity
    with capacity.reserve(capacity.available):
        assert TestClient(app).get(f"{URL}/{ID}").json()["code"] == "busy"
