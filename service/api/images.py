"""POST /v1/images/generations, in the shape of OpenAI's Images API."""

from typing import Annotated

from fastapi import APIRouter, Body, Request, Response

from service.api.dependencies import CurrentServices
from service.api.failures import GENERATE
from service.api.generation_requests import ImageGenerationRequest
from service.api.idempotency import KEY_HEADER, TenantRoute
from service.api.image_inputs import ImageRequest
from service.api.image_release import release_images
from service.api.image_responses import ImagesResponse
from service.api.image_stream import answered, streamable
from service.api.job_submission import ACCEPTED, take_on_images
from service.api.keys import CurrentClient
from service.api.openapi import failures

router = APIRouter(tags=["gateway"], route_class=TenantRoute)


@router.post(
    "/v1/images/generations",
    operation_id="generate_images",
    summary="Generate images",
    response_model=ImagesResponse,
    responses={202: ACCEPTED, 200: streamable("image_generation"), **failures(*GENERATE)},
    response_model_exclude_none=True,
    dependencies=KEY_HEADER,
)
async def generate_images(
    request: Request,
    services: CurrentServices,
    client: CurrentClient,
    request_body: Annotated[ImageGenerationRequest, Body()],
) -> ImagesResponse | Response:
    """Every image in the response was screened, watermarked, signed, proved and recorded. Images that were refused are
    listed beside those that were released. If none of the `n` images could be released, the response is the first
    refusal."""
    sent = ImageRequest(request_body)
    if request_body.in_background:
        return await take_on_images(request, services, client, sent, "images.generation")
    response = await release_images(request, services, client, sent)
    return answered(response, "image_generation", stream=request_body.stream)
