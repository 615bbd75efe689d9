from fastapi.testclient import TestClient

from service.installation import Installation


def test_models_are_listed_without_loading_one(client: TestClient, installation: Installation) -> None:
    listed = client.get("/v1/models").json()
    assert listed["data"][0]["id"] == "scenes-256"
    assert {each["root"] for each in listed["data"]} == {"scenes-256"}
    assert {each["owned_by"] for each in listed["data"]} == {installation.settings.provider}
    assert client.get("/v1/models/dall-e-3").json()["root"] == "scenes-256"
    assert not installation.generates


def test_a_loaded_model_has_its_own_name(painting_client: TestClient) -> None:
    assert painting_client.get("/v1/models").json()["data"][0]["id"] == "painter"


def test_another_model_is_not_found(client: TestClient) -> None:
    response = client.get("/v1/models/gpt-5")
    assert (response.status_code, response.json()["code"]) == (404, "not_found")
