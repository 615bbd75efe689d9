"""The page at `/generate`: a prompt in, and a released image with what was done to it, or why there is none."""

from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from pydantic import ConfigDict, ValidationError

from service.api.dependencies import CurrentServices, Services
from service.api.generation_requests import ImageGenerationRequest
from service.api.image_inputs import ImageRequest
from service.api.image_release import release_images
from service.api.image_responses import ImagesResponse
from service.api.keys import client_of
from service.api.problems import headers_of
from service.gateway.summary import ReleaseSummary
from service.kit.errors import Error, Refusal, bad_field
from service.presentation.report_view import data_url
from service.web.error_view import of_error
from service.web.form_texts import read_texts
from service.web.rendering import GENERATE, check_same_site, keys_needed, page, words_of

router = APIRouter(include_in_schema=False)

_FIELDS = ("prompt", "negative_prompt", "seed", "quality", "output_format", "visible_label")
"""What people set. The API has the rest."""


class _Order(ImageGenerationRequest):
    """An order of the form, whose fields are all text."""

    model_config = ConfigDict(strict=False)


@dataclass(frozen=True, slots=True)
class Generated:
    """A released image: `url` and `proof` are `data:` URLs."""

    url: str
    name: str
    proof: str
    model: str
    summary: ReleaseSummary
    warnings: tuple[str, ...]


@router.get(GENERATE)
async def form(request: Request, services: CurrentServices) -> HTMLResponse:
    """The empty form, or that this installation only examines."""
    return await _page(request, services, {})


@router.post(GENERATE)
async def generate(request: Request, services: CurrentServices) -> HTMLResponse:
    """The form as it was sent, and the image or its refusal. Cancelled when the reader leaves.

    Raises:
        BadRequest: the form was not sent by this page, or cannot be read.
        Unavailable, Misconfigured: this installation cannot generate.
    """
    check_same_site(request)
    sent = await read_texts(request)
    try:
        client = await client_of(request, services.installation, sent.get("key"))
        response = await release_images(request, services, client, ImageRequest(_order(sent)))
    except Error as error:
        if error.status >= 500 and not isinstance(error, Refusal):
            raise
        shown = of_error(error, request.state.request_id, words_of(request))
        return await _page(request, services, sent, error=shown, status=error.status, headers=headers_of(error))
    return await _page(request, services, sent, generated=_generated(response))


def _order(sent: Mapping[str, str]) -> ImageGenerationRequest:
    """Raises BadRequest for fields that an order cannot have."""
    chosen = {name: sent[name] for name in _FIELDS if name in sent}
    try:
        return _Order.model_validate({"prompt": "", **chosen, "response_format": "url"})
    except ValidationError as invalid:
        raise bad_field(invalid.errors(include_input=False, include_url=False)) from None


def _generated(response: ImagesResponse) -> Generated:
    (image,), details = response.data, response.countermark
    (summary,) = details.images
    return Generated(
        url=image.url or "",
        name=f"{summary.content_id.removeprefix('urn:uuid:')[:8]}.{response.output_format}",
        proof=data_url("text/plain", summary.proof.encode()),
        model=details.model,
        summary=summary,
        warnings=(*details.warnings, *summary.warnings),
    )


async def _page(
    request: Request,
    services: Services,
    sent: Mapping[str, str],
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **shown: object,
) -> HTMLResponse:
    """The page. The prompt is shown again and never logged; the key is not shown again."""
    settings = services.installation.settings
    values = {
        "sent": {name: sent.get(name, "") for name in _FIELDS},
        "needs_key": await keys_needed(services.installation),
        "examiner_needs_key": settings.examiner_needs_key,
        "generated": None,
        "error": None,
        **shown,
    }
    return page(request, "generate.html", values, status=status, headers=headers)
