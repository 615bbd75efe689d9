"""Requests as clients of OpenAI's API send them, read in their sources. Each is answered, and nothing passes a check
that it would not pass otherwise."""

import base64
import json
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.compat.conftest import REFUSED
from tests.compat.test_openai_python import png

PROMPT = "a red fox in the snow"
GENERATE, EDIT = "/v1/images/generations", "/v1/images/edits"
DATA_URL = "data:image/png;base64," + base64.b64encode(png()).decode()

GENERATIONS: dict[str, dict[str, Any]] = {
    "openai npm": {
        "model": "gpt-image-1", "prompt": PROMPT, "size": "1024x1024", "quality": "low", "n": 1, "user": "u-1",
    },
    "openai npm, newest fields": {
        "model": "gpt-image-2", "prompt": PROMPT, "size": "1536x1024", "quality": "max", "complexity": "high",
        "safety_identifier": "s-1", "svg": None, "frame_count": None, "frame_duration_ms": None,
    },
    "openwebui": {
        "model": "dall-e-2", "prompt": PROMPT, "n": 1, "size": "512x512", "response_format": "b64_json",
    },
    "librechat": {
        "model": "gpt-image-1", "prompt": PROMPT, "n": 1, "size": "auto", "quality": "auto", "background": "auto",
        "output_format": "webp", "output_compression": 100,
    },
    "langchain": {
        "model": "dall-e-3", "prompt": PROMPT, "n": 1, "size": "1024x1024", "quality": "standard", "style": "natural",
    },
    "litellm": {
        "model": "dall-e-3", "prompt": PROMPT, "n": None, "quality": "hd", "response_format": "url", "size": None,
        "style": "vivid", "user": "u-1", "moderation": "low", "partial_images": None, "input_fidelity": None,
    },
    "vercel ai": {
        "model": "gpt-image-1", "prompt": PROMPT, "n": 1, "size": "1024x1536", "quality": "medium",
    },
    "genkit": {
        "model": "gpt-image-1", "prompt": PROMPT, "background": "opaque", "moderation": "auto", "quality": "high",
        "output_compression": 20, "output_format": "jpeg", "response_format": None, "style": None, "user": "me",
    },
}  # fmt: skip


@pytest.mark.parametrize("name", GENERATIONS)
def test_a_generation(client: TestClient, name: str) -> None:
    response = client.post(GENERATE, json=GENERATIONS[name])
    assert response.status_code == 200, response.text
    body = response.json()
    assert (body["size"], len(body["data"])) == ("256x256", 1)
    assert body["countermark"]["images"][0]["sha256"]


@pytest.mark.parametrize("name", GENERATIONS)
def test_no_field_lets_a_refused_prompt_pass(client: TestClient, name: str) -> None:
    response = client.post(GENERATE, json={**GENERATIONS[name], "prompt": f"{PROMPT}, {REFUSED}"})
    assert (response.status_code, response.json()["code"]) == (400, "prompt_refused")
    assert response.json()["error"]["code"] == "moderation_blocked"


def test_compression_is_that_of_the_file(client: TestClient) -> None:
    wanted = {"prompt": PROMPT, "seed": 1, "output_format": "jpeg"}
    small, large = (client.post(GENERATE, json={**wanted, "output_compression": each}).json() for each in (80, 100))
    assert len(small["data"][0]["b64_json"]) < 0.8 * len(large["data"][0]["b64_json"])
    lossless = client.post(GENERATE, json={"prompt": PROMPT, "output_compression": 50}).json()
    assert "lossless" in str(lossless["countermark"]["images"][0]["warnings"])


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"safety_checker": None}, "safety_checker"),
        ({"enable_safety_checker": False}, "enable_safety_checker"),
        ({"svg": {"model": "x"}}, "svg"),
        ({"model": "sdxl"}, "model"),
        ({"background": "transparent"}, "background"),
        ({"partial_images": 9}, "partial_images"),
        ({"output_compression": 101}, "output_compression"),
        ({"output_format": "gif"}, "output_format"),
        ({"quality": "best"}, "quality"),
        ({"stream": "yes"}, "stream"),
        ({"n": 9}, "n"),
        ({"size": "large"}, "size"),
        ({"size": "0016x0016"}, "size"),
        ({"prompt": None}, "prompt"),
        ({"somebody@example.com": 1}, None),
    ],
)
def test_what_is_wrong_is_named(client: TestClient, fields: dict[str, Any], param: str | None) -> None:
    response = client.post(GENERATE, json={"prompt": PROMPT, **fields})
    assert response.status_code == 400
    assert response.json()["error"]["param"] == param
    assert "somebody" not in response.text


def test_a_stream_is_server_sent_events(client: TestClient) -> None:
    response = client.post(GENERATE, json={"prompt": PROMPT, "stream": True, "n": 2, "response_format": "url"})
    assert response.headers["content-type"].startswith("text/event-stream")
    blocks = [block.split("\n") for block in response.text.strip().split("\n\n")]
    assert [lines[0] for lines in blocks] == ["event: image_generation.completed"] * 2
    events = [json.loads(lines[1].removeprefix("data: ")) for lines in blocks]
    assert all(event["b64_json"] and len(event["countermark"]["images"]) == 1 for event in events)


@pytest.mark.parametrize(
    "sent",
    [
        {"json": {"image": DATA_URL, "prompt": "a snowman"}},
        {"json": {"images": [{"image_url": DATA_URL}], "prompt": "a snowman", "mask": None, "model": "gpt-image-1"}},
        {"data": {"prompt": "a snowman", "model": "dall-e-2", "size": ""}, "files": [("image[]", ("a.png", png()))]},
    ],
)
def test_an_edit(client: TestClient, sent: dict[str, Any]) -> None:
    response = client.post(EDIT, **sent)
    assert response.status_code == 200, response.text
    assert response.json()["countermark"]["images"][0]["edit"]["pixels"] == 256 * 256


def test_a_large_image_in_json(client: TestClient) -> None:
    padded = base64.b64encode(png() + bytes(1 << 20)).decode()
    assert client.post(EDIT, json={"image": padded, "prompt": "a snowman"}).status_code == 200
    assert client.post(GENERATE, json={"prompt": PROMPT, "user": padded}).status_code == 413


def test_a_file_named_by_rfc_5987_alone_beside_a_text(client: TestClient) -> None:
    head = b'--x\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nvision\r\n'
    file = b"--x\r\nContent-Disposition: form-data; name=\"file\"; filename*=utf-8''f%C3%B6x.png\r\n\r\nno image"
    form = {"content-type": "multipart/form-data; boundary=x"}
    response = client.post("/v1/inspect", content=head + file + b"\r\n--x--\r\n", headers=form)
    assert response.json()["code"] == "unsupported_format"  # it was read as a file


def test_the_variation_of_nothing(client: TestClient) -> None:
    response = client.post("/v1/images/variations", data={"n": "1"}, files=[("mask", ("m.png", png()))])
    assert (response.status_code, response.json()["error"]["param"]) == (400, "image")


@pytest.mark.parametrize("sent", [{"input": []}, {"input": 1}, {"input": [{"type": "image_url"}]}, {}])
def test_what_cannot_be_moderated(client: TestClient, sent: dict[str, Any]) -> None:
    response = client.post("/v1/moderations", json=sent)
    assert response.status_code == 400
    assert response.json()["error"]["param"].startswith("input")


def test_health_has_a_head(client: TestClient) -> None:
    assert client.head("/healthz").status_code == 200
