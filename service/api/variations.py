"""POST /v1/images/variations, in the shape of OpenAI's Images API: an image, and other versions of it."""

from fastapi import APIRouter, Request, Response

from service.api.dependencies import CurrentServices
from service.api.failures import EDIT
from service.api.generation_requests import ImageVariationRequest
from service.api.idempotency import KEY_HEADER, TenantRoute
from service.api.image_inputs import edit_body, read_form
from service.api.image_release import release_images
from service.api.image_responses import ImagesResponse
from service.api.image_stream import answered, streamable
from service.api.job_submission import ACCEPTED, take_on_images
from service.api.keys import CurrentClient
from service.api.openapi import failures

router = APIRouter(tags=["gateway"], route_class=TenantRoute)


@router.post(
    "/v1/images/variations",
    operation_id="vary_images",
    summary="Generate other versions of an image",
    response_model=ImagesResponse,
    responses={202: ACCEPTED, 200: streamable("image_edit"), **failures(*EDIT)},
    response_model_exclude_none=True,
    dependencies=KEY_HEADER,
    openapi_extra={"requestBody": edit_body(ImageVariationRequest)},
)
async def vary_images(request: Request, services: CurrentServices, client: CurrentClient) -> ImagesResponse | Response:
    """An edit of the whole image, with a prompt that asks for nothing unless one is sent: the same checks, and the same
    response."""
    sent = await read_form(request, ImageVariationRequest)
    if sent.fields.in_background:
        return await take_on_images(request, services, client, sent, "images.edit")
    response = await release_images(request, services, client, sent)
    return answered(response, "image_edit", stream=sent.fields.stream)
