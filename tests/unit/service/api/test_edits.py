from fastapi.testclient import TestClient

URL = "/v1/images/edits"


def test_something_else_than_a_form_or_json_will_not_do(client: TestClient) -> None:
    response = client.post(URL, content=b"A", headers={"content-type": "image/png"})
    assert (response.status_code, response.json()["code"]) == (400, "bad_request")
    assert "image" in response.json()["hint"]


def test_without_an_image_there_is_nothing_to_change(client: TestClient) -> None:
    response = client.post(URL, json={"prompt": "x"})
    assert (response.status_code, response.json()["error"]["param"]) == (400, "image")
    assert "image" in response.json()["hint"]
