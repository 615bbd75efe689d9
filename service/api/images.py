"""POST /v1/images/generations, in the shape of OpenAI's Images API."""

from typing import Annotated

from fastapi import APIRouter, Body, Request

from service.api.dependencies import CurrentServices
from service.api.failures import GENERATE
from service.api.generation_requests import ImageGenerationRequest
from service.api.image_release import release_images
from service.api.image_responses import ImagesResponse
from service.api.keys import CurrentClient
from service.api.openapi import failures

router = APIRouter(tags=["gateway"])


@router.post(
    "/v1/images/generations",
    operation_id="generate_images",
    summary="Generate images",
    responses=failures(*GENERATE),
    response_model_exclude_none=True,
)
async def generate_images(
    request: Request,
    services: CurrentServices,
    client: CurrentClient,
    request_body: Annotated[ImageGenerationRequest, Body()],
) -> ImagesResponse:
    """Every image in the response was screened, watermarked, signed, proved and recorded. Images that were refused are
    listed beside those that were released. If none of the `n` images could be released, the response is the first
    refusal."""
    return await release_images(request, services, client, request_body, {})
