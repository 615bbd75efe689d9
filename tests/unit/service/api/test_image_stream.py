import asyncio
import json

from fastapi.responses import StreamingResponse

from service.api.generation_requests import ImageGenerationRequest
from service.api.image_responses import images_response
from service.api.image_stream import CompletedImage, answered, streamable
from service.gateway.order import Order
from service.gateway.pipeline import Gateway


def test_an_event_for_each_image(gateway: Gateway) -> None:
    released = [gateway.release(Order(prompt="a lake", seed=seed)) for seed in (1, 2)]
    body = ImageGenerationRequest.model_validate({"prompt": "a lake", "stream": True, "response_format": "url"})
    response = images_response(body, "painter", released, {}, ["a warning"])
    assert answered(response, "image_edit", stream=False) is response

    async def text() -> str:
        stream = answered(response, "image_edit", stream=True)
        assert isinstance(stream, StreamingResponse)
        return "".join([str(chunk) async for chunk in stream.body_iterator])

    first, second = asyncio.run(text()).strip().split("\n\n")
    name, data = first.split("\n")
    event = CompletedImage.model_validate(json.loads(data.removeprefix("data: ")))
    assert name == "event: image_edit.completed"
    assert (event.type, event.b64_json) == ("image_edit.completed", response.data[0].b64_json)
    assert [image.seed for image in event.countermark.images] == [1]
    assert event.countermark.warnings == ["a warning"]
    assert '"seed":2' in second


def test_the_event_is_documented() -> None:
    assert "image_edit.completed" in streamable("image_edit")["description"]
