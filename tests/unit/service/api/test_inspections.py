"""Batches of files and archives."""

import json
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from service.api.image_inputs import MOST_IMAGES
from service.api.inspections import MOST_FILES
from service.kit.settings import Settings
from service.media.pictures import encode
from tests.support.jobs import events, zipped
from tests.support.painter import landscape

IMAGE = encode(landscape(1, 128, 128), "png")[0]


def test_a_batch_of_files_and_archives(working: TestClient) -> None:
    files = [
        ("file", ("a.txt", b"hello")),
        ("file", ("more.zip", zipped({"b.txt": b"x", "in/c.txt": b"y"}))),
        ("file", ("d.png", IMAGE[:50])),
    ]
    job = working.post("/v1/inspections", files=files).json()
    assert (job["kind"], job["progress"]["total"]) == ("inspection", 4)
    assert events(working, job["id"])[-1][1]["status"] == "succeeded"
    response = working.get(f"/v1/jobs/{job['id']}/result")
    assert response.headers["content-type"] == "application/x-ndjson"
    lines = [json.loads(line) for line in response.text.splitlines()]
    assert [line["file"] for line in lines] == ["a.txt", "more.zip/b.txt", "more.zip/in/c.txt", "d.png"]


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        ({"content": b"PK\x03\x04"}, 422, "broken_archive"),
        ({"files": {"picture": b"x"}}, 400, "bad_request"),
        ({"data": {"file": "text"}, "files": {"file": b"x"}}, 400, "bad_request"),
        ({"files": [("file", b"x")] * (MOST_FILES + 1)}, 400, "bad_request"),
        ({"content": zipped({f"{n}": b"x" for n in range(MOST_FILES + 1)})}, 413, "too_large"),
        ({"files": [("file", zipped({f"{n}": b"" for n in range(MOST_FILES)})), ("file", b"x")]}, 413, "too_large"),
    ],
    ids=["broken", "name", "text", "files", "archive", "both"],
)
def test_what_is_no_batch(client: TestClient, request_: dict[str, object], status: int, code: str) -> None:
    response = client.post("/v1/inspections", **request_)  # type: ignore[arg-type]
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert client.get("/v1/jobs").json()["data"] == []


def test_a_batch_may_be_larger_than_a_file(settings: Settings, make_client: Callable[[], TestClient]) -> None:
    client = make_client()
    data = bytes(settings.max_bytes + (1 << 17))
    assert client.post("/v1/inspect", content=data).status_code == 413
    assert client.post("/v1/inspections", content=data).status_code == 202
    assert client.post("/v1/inspections", content=bytes(settings.batch_bytes + 1)).status_code == 413


def test_the_most_is_told_in_the_document(client: TestClient) -> None:
    body = client.get("/openapi.json").json()["paths"]["/v1/inspections"]["post"]["requestBody"]
    files = body["content"]["multipart/form-data"]["schema"]["properties"]["file"]
    assert (files["maxItems"], f"{MOST_FILES:,}" in body["description"]) == (MOST_FILES, True)
    assert MOST_IMAGES < MOST_FILES
