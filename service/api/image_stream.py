"""The answer to `stream=true`, in the shape of OpenAI's: server-sent events, one for each released image.

There are no partial images: an image leaves only once it has passed every check. So everything is known when the
answer begins, and an order of which nothing was released is answered with a problem and its status.
"""

from collections.abc import Iterator
from typing import Any, Literal

from fastapi import Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from service.api.image_responses import GenerationDetails, ImagesResponse
from service.api.openapi import reference
from service.gateway.order import Quality

EVENTS = "text/event-stream"
Kind = Literal["image_generation", "image_edit"]


class InputTokens(BaseModel):
    text_tokens: Literal[0] = 0
    image_tokens: Literal[0] = 0


class TokenUsage(BaseModel):
    """What OpenAI bills by. No tokens are counted here."""

    input_tokens: Literal[0] = 0
    input_tokens_details: InputTokens = Field(default_factory=InputTokens)
    output_tokens: Literal[0] = 0
    total_tokens: Literal[0] = 0


class CompletedImage(BaseModel):
    """The data of an event: one released image, and what Countermark adds."""

    type: Literal["image_generation.completed", "image_edit.completed"]
    b64_json: str
    background: Literal["opaque"] = "opaque"
    created_at: int = Field(description="Unix time in seconds.")
    output_format: str
    quality: Quality
    size: str = Field(description="WIDTHxHEIGHT in pixels.")
    usage: TokenUsage = Field(default_factory=TokenUsage)
    countermark: GenerationDetails


def streamable(kind: Kind) -> dict[str, Any]:
    """FastAPI's description of a response that is JSON or, if that was asked for, an event stream."""
    schema = {"type": "string", "contentMediaType": EVENTS, "contentSchema": reference(CompletedImage)}
    return {
        "description": f"The released images. With `stream`, an event `{kind}.completed` for each of them.",
        "content": {EVENTS: {"schema": schema}},
    }


def answered(response: ImagesResponse, kind: Kind, *, stream: bool) -> ImagesResponse | Response:
    """The response itself or, if that was asked for, its images as events."""
    return StreamingResponse(_events(response, kind), media_type=EVENTS) if stream else response


def _events(response: ImagesResponse, kind: Kind) -> Iterator[str]:
    details = response.countermark
    for image, summary in zip(response.data, details.images, strict=True):
        event = CompletedImage(
            type=f"{kind}.completed",
            b64_json=image.b64_json or "",
            created_at=response.created,
            output_format=response.output_format,
            quality=response.quality,
            size=response.size,
            countermark=details.model_copy(update={"images": [summary]}),
        )
        yield f"event: {event.type}\ndata: {event.model_dump_json(exclude_none=True)}\n\n"
