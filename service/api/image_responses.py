"""The response with released images, in the shape of OpenAI's Images API."""

import base64
import time
from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import BaseModel, Field

from service.api.generation_requests import ImageGenerationRequest
from service.gateway.order import Quality
from service.gateway.stages import Released, require_sealed
from service.gateway.summary import ReleaseSummary, summarize
from service.kit.errors import Error, Refusal


class Image(BaseModel):
    """One image, in OpenAI's shape: `b64_json` or `url`, whichever was requested."""

    b64_json: str | None = None
    url: str | None = Field(None, description="A `data:` URL.")
    revised_prompt: None = None


class ImageRefusal(BaseModel):
    """An image of the request that was not released, although others were."""

    index: int = Field(description="Which of the `n` images, counted from 0.")
    code: str = Field(description="The error code, as in a problem.")
    message: str
    appeal: str | None = Field(None, description="The content id to name in an appeal.")


class GenerationDetails(BaseModel):
    """What Countermark adds to OpenAI's response."""

    model: str
    images: list[ReleaseSummary]
    refusals: list[ImageRefusal]
    warnings: list[str] = Field(description="What of the request has no effect here, or another than its name says.")


class ImagesResponse(BaseModel):
    """OpenAI's response plus `countermark`."""

    created: int = Field(description="Unix time in seconds.")
    data: list[Image]
    background: Literal["opaque"] = "opaque"
    output_format: str
    quality: Quality
    size: str = Field(description="WIDTHxHEIGHT in pixels.")
    countermark: GenerationDetails


def images_response(
    request_body: ImageGenerationRequest,
    model: str,
    released: Sequence[Released],
    refusals: Mapping[int, Error],
    warnings: Sequence[str] = (),
) -> ImagesResponse:
    """The response for at least one released image. `refusals`: by index, why others were not released."""
    job = released[0].admitted.job
    return ImagesResponse(
        created=int(time.time()),
        data=[
            image_of(image, "b64_json" if request_body.stream else request_body.response_format) for image in released
        ],
        output_format=request_body.output_format,
        quality=request_body.order_quality,
        size=f"{job.width}x{job.height}",
        countermark=GenerationDetails(
            model=model,
            images=[summarize(image) for image in released],
            refusals=[_refusal(index, error) for index, error in refusals.items()],
            warnings=list(warnings),
        ),
    )


def image_of(released: Released, response_format: Literal["b64_json", "url"]) -> Image:
    """The released file as text. Raises TypeError for an object that did not pass every stage."""
    text = base64.b64encode(require_sealed(released, Released).data).decode()
    if response_format == "url":
        return Image(url=f"data:{released.mime};base64,{text}")
    return Image(b64_json=text)


def _refusal(index: int, error: Error) -> ImageRefusal:
    appeal = error.content_id if isinstance(error, Refusal) else None
    return ImageRefusal(index=index, code=error.code, message=error.message, appeal=appeal)
