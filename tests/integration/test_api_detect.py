"""POST /v1/detect against the shipped classifiers."""

import io
import json
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from PIL import Image
from skimage import data as photos

from models import ModelFault
from service.api.app import create_app
from service.api.detect import MOST_FILES
from service.installation import Installation


def png(rgb: object) -> bytes:
    out = io.BytesIO()
    Image.fromarray(rgb).save(out, "PNG")  # type: ignore[arg-type]
    return out.getvalue()


PHOTO, OTHER = png(photos.astronaut()), png(photos.coffee())


@pytest.fixture
def client(installation: Installation) -> Iterator[TestClient]:
    with TestClient(create_app(installation)) as opened:
        yield opened


def files(*contents: bytes) -> list[tuple[str, tuple[str, bytes, str]]]:
    return [("file", (f"{number}.png", content, "image/png")) for number, content in enumerate(contents)]


def test_one_bare_picture(client: TestClient) -> None:
    answer = client.post("/v1/detect", content=PHOTO, headers={"content-type": "image/png"})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    (line,) = answer.text.splitlines()
    found = json.loads(line)
    assert found["file"] == "-"
    assert found["verdict"] in ("likely_synthetic", "inconclusive", "likely_camera")
    assert found["interval"][0] <= found["p_synthetic"] <= found["interval"][1]


def test_several_files_are_judged_in_order_and_a_broken_one_keeps_none(client: TestClient) -> None:
    answer = client.post("/v1/detect", files=files(PHOTO, PHOTO[:50], OTHER))
    first, broken, last = (json.loads(line) for line in answer.text.splitlines())
    assert [one["file"] for one in (first, broken, last)] == ["0.png", "1.png", "2.png"]
    assert broken["error"]["code"] == "broken_picture"
    assert first["sha256"] != last["sha256"]


def test_the_rate_can_be_chosen(client: TestClient) -> None:
    strict = client.post("/v1/detect", params={"threshold_fpr": 0.01}, files=files(PHOTO)).json()
    loose = client.post("/v1/detect", files=files(PHOTO)).json()
    assert strict["synthetic_above"] > loose["synthetic_above"]


@pytest.mark.parametrize("rate", ["0.2", "often"])
def test_a_rate_without_a_threshold_is_a_problem(client: TestClient, rate: str) -> None:
    answer = client.post("/v1/detect", params={"threshold_fpr": rate}, files=files(PHOTO))
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_bare_file_that_is_no_picture_is_a_problem(client: TestClient) -> None:
    answer = client.post("/v1/detect", content=b"hello", headers={"content-type": "image/png"})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_format")


def test_a_form_without_files_is_a_problem(client: TestClient) -> None:
    assert client.post("/v1/detect", files={"other": ("a.png", PHOTO)}).status_code == 400


def test_a_name_that_is_no_text_harms_nothing(client: TestClient) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="\xed\xa0\x80\\ud800.png"\r\n\r\n'
    for charset, status in (("", 200), ("; charset=utf-8", 200), ("; charset=unicode_escape", 400)):
        kind = {"content-type": f"multipart/form-data; boundary=x{charset}"}
        for address in ("/v1/detect", "/v1/inspect"):
            answer = client.post(address, content=body + PHOTO + b"\r\n--x--\r\n", headers=kind)
            assert answer.status_code == status
            assert status == 400 or answer.json()["file"].endswith(".png")


def test_too_many_files_are_a_problem(client: TestClient) -> None:
    answer = client.post("/v1/detect", files=files(*[b"x"] * (MOST_FILES + 1)))
    assert answer.status_code == 400


def test_a_failing_model_is_no_score(
    client: TestClient, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ModelFault("the output is not finite")

    monkeypatch.setattr(installation.classifier._detector, "judge", fail)
    answer = client.post("/v1/detect", content=PHOTO, headers={"content-type": "image/png"})
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")


def test_the_openapi_document_tells_of_it(client: TestClient) -> None:
    route = client.get("/openapi.json").json()["paths"]["/v1/detect"]["post"]
    assert [parameter["name"] for parameter in route["parameters"]] == ["threshold_fpr"]
    assert "multipart/form-data" in route["requestBody"]["content"]
    assert "application/x-ndjson" in route["responses"]["200"]["content"]
