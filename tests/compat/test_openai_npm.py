"""OpenAI's npm client, run by Node.js against a real server: what it asks for, and what it makes of refusals."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from service.api import create_app
from service.installation import Installation
from tests.compat.conftest import REFUSED, UNSAFE_SEED
from tests.support.node import NPM, run_module
from tests.support.waiting import served

pytestmark = pytest.mark.skipif(not NPM.is_dir(), reason="OpenAI's npm client is not installed: needs Node.js and npm")

Ask = Callable[[str], Any]
"""Runs a script with `client` and `say`; returns what it says."""

START = """
import OpenAI from "openai";
const client = new OpenAI({ baseURL: process.argv[2] + "/v1", apiKey: "none", maxRetries: 0 });
const say = (value) => console.log(JSON.stringify(value));
"""


@pytest.fixture
def ask(installation: Installation, tmp_path: Path) -> Ask:
    def run(script: str) -> Any:
        with served(create_app(installation)) as url:
            return json.loads(run_module(START + script, tmp_path, url))

    return run


def test_images(ask: Ask, installation: Installation) -> None:
    found = ask("""
    const images = await client.images.generate({
      model: "gpt-image-1", prompt: "a red fox in the snow", size: "1024x1024", quality: "low", n: 1,
      background: "auto", moderation: "low", output_format: "webp", output_compression: 80, user: "me", style: null,
    });
    say({ bytes: images.data[0].b64_json.length, sha256: images.countermark.images[0].sha256 });
    """)
    assert found["bytes"] > 1000
    assert installation.ledger.by_sha256(found["sha256"]) is not None


def test_an_edit_of_a_file(ask: Ask) -> None:
    found = ask("""
    const first = await client.images.generate({ prompt: "a red fox in the snow" });
    const file = await OpenAI.toFile(Buffer.from(first.data[0].b64_json, "base64"), "fox.png", { type: "image/png" });
    const edited = await client.images.edit({ model: "gpt-image-1", image: file, prompt: "a red car" });
    say({ bytes: edited.data[0].b64_json.length });
    """)
    assert found["bytes"] > 1000


def test_a_stream_has_the_completed_event(ask: Ask) -> None:
    found = ask("""
    const stream = await client.images.generate({ prompt: "a red fox in the snow", stream: true, partial_images: 2 });
    const types = [];
    for await (const event of stream) types.push(event.type);
    say(types);
    """)
    assert found == ["image_generation.completed"]


@pytest.mark.parametrize("order", [f'prompt: "{REFUSED}"', f'prompt: "a lake", seed: {UNSAFE_SEED}'])
def test_both_refusals_are_moderation(ask: Ask, order: str) -> None:
    found = ask(f"""
    try {{
      await client.images.generate({{ {order} }});
    }} catch (refused) {{
      say({{ name: refused.constructor.name, status: refused.status, code: refused.code }});
    }}
    """)
    assert found == {"name": "BadRequestError", "status": 400, "code": "moderation_blocked"}


def test_models_and_moderations(ask: Ask) -> None:
    found = ask(f"""
    const models = [];
    for await (const model of client.models.list()) models.push(model.id);
    const judged = await client.moderations.create({{ input: ["a lake", "{REFUSED}"] }});
    say({{ models, flagged: judged.results.map((result) => result.flagged) }});
    """)
    assert "gpt-image-1" in found["models"]
    assert found["flagged"] == [False, True]
