"""Requests as clients of A1111's API send them: Open WebUI and others."""

import base64
import json
from typing import Any

import pytest
from fastapi.testclient import TestClient

from service.installation import Installation
from tests.compat.conftest import REFUSED
from tests.compat.test_openai_python import png, size_of

TEXT: dict[str, dict[str, Any]] = {
    "plain": {
        "prompt": "a red fox in the snow", "negative_prompt": "", "steps": 8, "width": 256, "height": 256, "seed": -1,
        "cfg_scale": 4, "sampler_name": "DDIM", "batch_size": 1, "n_iter": 1,
    },
    "openwebui": {"prompt": "a red fox in the snow", "batch_size": 1, "width": 512, "height": 512, "steps": 20},
    "with everything at its default": {
        "prompt": "a red fox in the snow", "styles": [], "seed": 7, "subseed": -1, "sampler_index": "Euler",
        "restore_faces": False, "tiling": None, "override_settings": {}, "alwayson_scripts": {}, "script_name": None,
        "script_args": [], "enable_hr": False, "hr_upscaler": "Latent", "send_images": True, "save_images": False,
    },
}  # fmt: skip


@pytest.mark.parametrize("name", TEXT)
def test_images_from_text(client: TestClient, installation: Installation, name: str) -> None:
    response = client.post("/sdapi/v1/txt2img", json=TEXT[name])
    assert response.status_code == 200, response.text
    body = response.json()
    info = json.loads(body["info"])
    assert [size_of(image) for image in body["images"]] == [(256, 256)]
    assert body["parameters"]["prompt"] == TEXT[name]["prompt"]
    assert info["seed"] == info["all_seeds"][0] == info["countermark"]["images"][0]["seed"]
    assert installation.ledger.by_sha256(info["countermark"]["images"][0]["sha256"]) is not None


def test_what_has_no_effect_is_said(client: TestClient) -> None:
    sent = {**TEXT["openwebui"], "tiling": True, "sampler_name": "LMS"}
    info = json.loads(client.post("/sdapi/v1/txt2img", json=sent).json()["info"])
    assert [text.partition(" ")[0] for text in info["countermark"]["warnings"]] == ["the", "tiling"]
    assert "nearest size to 512x512" in str(info["countermark"]["images"][0]["warnings"])


def test_an_image_changed(client: TestClient) -> None:
    text = base64.b64encode(png()).decode()
    sent = {"init_images": [text], "prompt": "a lake", "denoising_strength": 0.5, "mask_blur": 4, "resize_mode": 0}
    response = client.post("/sdapi/v1/img2img", json=sent)
    assert response.status_code == 200, response.text
    assert json.loads(response.json()["info"])["countermark"]["images"][0]["edit"]["pixels"] == 256 * 256
    assert text not in response.text


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"override_settings": {"CLIP_stop_at_last_layers": 2}}, "override_settings"),
        ({"alwayson_scripts": {"controlnet": {}}}, "alwayson_scripts"),
        ({"script_name": "x"}, "script_name"),
        ({"styles": ["photo"]}, "styles"),
        ({"enable_hr": True}, "enable_hr"),
        ({"prompt": "a fox <lora:somebody:1>"}, "prompt"),
        ({"safety_checker": None, "skip_checks": True}, "skip_checks"),
        ({"steps": 10_000}, "steps"),
        ({"batch_size": 9, "n_iter": 9}, "batch_size"),
        ({"seed": -2}, "seed"),
        ({"cfg_scale": 99}, "cfg_scale"),
    ],
)
def test_what_is_refused_is_named(client: TestClient, fields: dict[str, Any], param: str) -> None:
    response = client.post("/sdapi/v1/txt2img", json={**TEXT["plain"], **fields})
    assert (response.status_code, response.json()["error"]["param"]) == (400, param)
    assert "somebody" not in response.text


def test_a_refused_prompt_is_refused_here_too(client: TestClient) -> None:
    response = client.post("/sdapi/v1/txt2img", json={**TEXT["plain"], "prompt": REFUSED})
    assert (response.status_code, response.json()["code"]) == (400, "prompt_refused")


def test_what_clients_ask_before_and_meanwhile(client: TestClient) -> None:
    assert client.get("/sdapi/v1/options").json()["sd_model_checkpoint"] == "painter"
    assert [model["title"] for model in client.get("/sdapi/v1/sd-models").json()] == ["painter"]
    assert client.get("/sdapi/v1/progress").json()["current_image"] is None
    assert client.post("/sdapi/v1/options", json={"sd_model_checkpoint": "painter"}).status_code == 200
    for other, param in (({"sd_model_checkpoint": "sdxl"}, "model"), ({"filter_nsfw": False}, "filter_nsfw")):
        response = client.post("/sdapi/v1/options", json=other)
        assert (response.status_code, response.json()["error"]["param"]) == (400, param)
