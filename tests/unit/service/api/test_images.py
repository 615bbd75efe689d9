import base64
import hashlib

import pytest
from fastapi.testclient import TestClient

from service.installation import Installation

URL = "/v1/images/generations"


def test_released_images_and_what_is_known_of_them(painting_client: TestClient, installation: Installation) -> None:
    response = painting_client.post(URL, json={"prompt": "a lake", "n": 2, "seed": 5})
    assert response.status_code == 200
    body = response.json()
    assert (body["size"], body["output_format"], body["quality"]) == ("256x256", "png", "standard")
    for image, known in zip(body["data"], body["countermark"]["images"], strict=True):
        data = base64.b64decode(image["b64_json"])
        assert hashlib.sha256(data).hexdigest() == known["sha256"]
        assert installation.ledger.by_sha256(known["sha256"]) is not None


@pytest.mark.parametrize(
    "body",
    [{}, {"prompt": ""}, {"prompt": "x", "unknown": 1}, {"prompt": "x", "n": 0}, {"prompt": "x", "moderation": "off"}],
)
def test_what_is_not_a_request(
    painting_client: TestClient, installation: Installation, body: dict[str, object]
) -> None:
    response = painting_client.post(URL, json=body)
    assert (response.status_code, response.json()["code"]) == (400, "bad_request")
    assert installation.ledger.verify().decisions == 0


def test_another_model_than_the_one_served(painting_client: TestClient) -> None:
    assert painting_client.post(URL, json={"prompt": "x", "model": "painter"}).status_code == 200
    response = painting_client.post(URL, json={"prompt": "x", "model": "dall-e-4"})
    assert response.status_code == 400
    assert "painter" in response.json()["detail"]
