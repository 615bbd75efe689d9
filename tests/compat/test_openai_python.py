"""OpenAI's own Python client, against the application in this process."""

import base64
import io

import numpy as np
import openai
import pytest
from fastapi.testclient import TestClient
from openai.types import ModerationImageURLInputParam, ModerationTextInputParam
from PIL import Image

from service.installation import Installation
from service.kit.settings import OPENAI_MODELS
from tests.compat.conftest import REFUSED, UNSAFE_SEED
from tests.support.painter import landscape

MODEL = "gpt-image-1"


@pytest.fixture
def sdk(client: TestClient) -> openai.OpenAI:
    return openai.OpenAI(api_key="none", base_url="http://testserver/v1", http_client=client, max_retries=0)


def png(alpha: bool = False) -> bytes:
    """A picture of the painter's; with `alpha` its upper half is transparent."""
    rgb = landscape(3, 256, 256)
    mask = np.full((256, 256, 1), 255, np.uint8)
    mask[:128] = 0
    out = io.BytesIO()
    Image.fromarray(np.concatenate([rgb, mask], axis=2) if alpha else rgb).save(out, "PNG")
    return out.getvalue()


def size_of(text: str | None) -> tuple[int, int]:
    assert text is not None
    return Image.open(io.BytesIO(base64.b64decode(text))).size


def test_images(sdk: openai.OpenAI, installation: Installation) -> None:
    answer = sdk.images.generate(
        model=MODEL, prompt="a red fox in the snow", size="1024x1024", quality="low", n=1, background="auto",
        moderation="low", output_format="webp", output_compression=80, user="me", style="vivid",
    )  # fmt: skip
    assert answer.data is not None
    assert size_of(answer.data[0].b64_json) == (256, 256)
    ours = answer.model_dump()["countermark"]
    assert ours["model"] == "painter"
    assert [warning.partition(" ")[0] for warning in ours["warnings"]] == [MODEL, "moderation", "style", "quality"]
    assert "nearest size to 1024x1024" in str(ours["images"][0]["warnings"])
    assert ours["images"][0]["seed"] < 2**53
    assert installation.ledger.by_sha256(ours["images"][0]["sha256"]) is not None


def test_null_is_unset(sdk: openai.OpenAI) -> None:
    answer = sdk.images.generate(
        prompt="a red fox in the snow", model=None, n=None, size=None, quality=None, background=None, moderation=None,
        output_compression=None, output_format=None, partial_images=None, response_format=None, stream=None, style=None,
        svg=None, frame_count=None,
    )  # fmt: skip
    assert answer.data is not None
    assert len(answer.data) == 1
    assert answer.model_dump()["countermark"]["warnings"] == []


def test_a_stream_is_one_completed_image(sdk: openai.OpenAI) -> None:
    events = list(sdk.images.generate(prompt="a red fox in the snow", stream=True, partial_images=2))
    (event,) = events
    assert event.type == "image_generation.completed"
    assert size_of(event.b64_json) == (256, 256)
    assert event.usage.total_tokens == 0
    assert "no partial images" in str(event.model_dump()["countermark"]["warnings"])


def test_edits(sdk: openai.OpenAI) -> None:
    answer = sdk.images.edit(
        model=MODEL, image=("a.png", png()), mask=("m.png", png(alpha=True)), prompt="a lake", input_fidelity="high"
    )
    edit = answer.model_dump()["countermark"]["images"][0]["edit"]
    assert edit["generated"] == 128 * 256
    alone = sdk.images.edit(image=("a.png", png(alpha=True)), prompt="a lake")
    assert alone.model_dump()["countermark"]["images"][0]["edit"]["generated"] == 128 * 256
    (event,) = sdk.images.edit(image=[("a.png", png())], prompt="a lake", stream=True)
    assert event.type == "image_edit.completed"


def test_two_images_are_more_than_this_pipeline_takes(sdk: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="takes 1 input image; 2 were sent") as caught:
        sdk.images.edit(image=[("a.png", png()), ("b.png", png())], prompt="a snowman")
    assert caught.value.param == "image"


def test_variations(sdk: openai.OpenAI) -> None:
    with pytest.warns(DeprecationWarning, match="deprecated"):  # clients go on calling it
        answer = sdk.images.create_variation(image=("a.png", png()), n=2, size="512x512", model="dall-e-2")
    assert answer.data is not None
    assert [size_of(image.b64_json) for image in answer.data] == [(256, 256)] * 2


def test_models(sdk: openai.OpenAI) -> None:
    names = [model.id for model in sdk.models.list()]
    assert names == ["painter", *OPENAI_MODELS]
    assert sdk.models.retrieve("dall-e-3").model_dump()["root"] == "painter"
    with pytest.raises(openai.NotFoundError):
        sdk.models.retrieve("gpt-5")


def test_moderations(sdk: openai.OpenAI) -> None:
    answer = sdk.moderations.create(input=["a cat", f"a {REFUSED} cat"], model="omni-moderation-latest")
    assert [result.flagged for result in answer.results] == [False, True]
    assert answer.results[1].categories.sexual
    assert not answer.results[1].categories.self_harm
    assert answer.results[0].category_scores.violence == pytest.approx(0.1)
    assert answer.results[0].category_applied_input_types.sexual == ["text"]


def test_moderations_of_images(sdk: openai.OpenAI) -> None:
    dark = io.BytesIO()
    Image.new("RGB", (64, 64)).save(dark, "PNG")
    url = "data:image/png;base64," + base64.b64encode(dark.getvalue()).decode()
    text: ModerationTextInputParam = {"type": "text", "text": "a cat"}
    image: ModerationImageURLInputParam = {"type": "image_url", "image_url": {"url": url}}
    parts: list[ModerationTextInputParam | ModerationImageURLInputParam] = [text, image]
    answer = sdk.moderations.create(input=parts)
    (result,) = answer.results
    assert result.categories.sexual
    assert result.category_applied_input_types.sexual == ["text", "image"]


@pytest.mark.parametrize("wanted", [{"prompt": f"a {REFUSED} fox"}, {"prompt": "a fox", "seed": UNSAFE_SEED}])
def test_both_refusals_are_openais(sdk: openai.OpenAI, wanted: dict[str, object]) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        sdk.images.generate(prompt="", extra_body=wanted)
    assert (caught.value.code, caught.value.type) == ("moderation_blocked", "image_generation_user_error")
    with pytest.raises(openai.BadRequestError):
        list(sdk.images.generate(prompt="", stream=True, extra_body=wanted))


def test_an_unknown_field_is_named(sdk: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="safety_checker") as caught:
        sdk.images.generate(prompt="a fox", extra_body={"safety_checker": None})
    assert (caught.value.param, caught.value.code) == ("safety_checker", "bad_request")
