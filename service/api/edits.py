"""POST /v1/images/edits, in the shape of OpenAI's Images API: an image, an optional mask, and a prompt."""

from fastapi import APIRouter, Request, Response

from service.api.dependencies import CurrentServices
from service.api.failures import EDIT
from service.api.generation_requests import ImageEditRequest
from service.api.idempotency import KEY_HEADER, TenantRoute
from service.api.image_inputs import ImageEditJson, edit_body, read_edit
from service.api.image_release import release_images
from service.api.image_responses import ImagesResponse
from service.api.image_stream import answered, streamable
from service.api.job_submission import ACCEPTED, take_on_images
from service.api.keys import CurrentClient
from service.api.openapi import failures, reference

router = APIRouter(tags=["gateway"], route_class=TenantRoute)

_BODY = edit_body(ImageEditRequest)
_BODY["content"]["application/json"] = {"schema": reference(ImageEditJson)}


@router.post(
    "/v1/images/edits",
    operation_id="edit_images",
    summary="Change an image, all of it or where a mask says so",
    response_model=ImagesResponse,
    responses={202: ACCEPTED, 200: streamable("image_edit"), **failures(*EDIT)},
    response_model_exclude_none=True,
    dependencies=KEY_HEADER,
    openapi_extra={"requestBody": _BODY},
)
async def edit_images(request: Request, services: CurrentServices, client: CurrentClient) -> ImagesResponse | Response:
    """Every face in the input images needs a grant that allows the use; blocklisted and unsafe images are refused. The
    response is that of `/v1/images/generations`. The manifest of a new image names the input image, by its hash, as its
    parent.

    In JSON, images are `data:` URLs. A second and further images are images that the result should resemble; they need
    a pipeline with an IP-Adapter."""
    sent = await read_edit(request)
    if sent.fields.in_background:
        return await take_on_images(request, services, client, sent, "images.edit")
    response = await release_images(request, services, client, sent)
    return answered(response, "image_edit", stream=sent.fields.stream)
