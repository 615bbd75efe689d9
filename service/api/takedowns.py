"""POST /v1/takedowns and GET /v1/takedowns/{case}: takedown notices, with or without a copy of the image."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Header, Request
from pydantic import ValidationError
from starlette.datastructures import UploadFile

from service.api.capacity import run_in_thread
from service.api.dependencies import CurrentServices
from service.api.failures import FILE_TAKEDOWN, TAKEDOWN_STATUS
from service.api.forms import BINARY, form_body, form_of, is_form
from service.api.idempotency import KEY_HEADER, PublicRoute
from service.api.keys import CallerAddress, TrustedFlagger
from service.api.middleware import LARGEST_JSON
from service.api.openapi import failures, reference
from service.installation import Installation
from service.kit.errors import BadRequest, TooLarge, first_fault
from service.media.pictures import decode
from service.moderation.notices import CaseStatus, Notice, Sender, TakedownReceipt

router = APIRouter(tags=["notices"], route_class=PublicRoute)

_BODY = form_body(
    {
        "notice": {"type": "string", "description": "The notice as JSON."},
        "file": {**BINARY, "description": "A copy of the image. It is hashed and not kept."},
    },
    required=["notice"],
)
_BODY["content"] = {"application/json": {"schema": reference(Notice)}, **_BODY["content"]}


@router.post(
    "/v1/takedowns",
    status_code=201,
    operation_id="file_takedown",
    summary="Report an intimate image that was published without consent",
    dependencies=KEY_HEADER,
    responses=failures(*FILE_TAKEDOWN),
    openapi_extra={"requestBody": _BODY},
)
async def file_takedown(
    request: Request, services: CurrentServices, client: TrustedFlagger, address: CallerAddress
) -> TakedownReceipt:
    """Keep the case number and the PIN: only they give access to the status of the case. The operator decides within
    48 hours. A notice with a tenant's key blocks the image until then; one without puts it in quarantine, within
    limits."""
    text, copy = await _parts(request)
    notice, sender = _notice(text), Sender(client.name if client else None, address)
    return await run_in_thread(services.image_threads, _receive, services.installation, notice, copy, sender)


@router.get(
    "/v1/takedowns/{case}",
    operation_id="get_takedown",
    summary="Get the status of a takedown notice",
    responses=failures(*TAKEDOWN_STATUS),
)
async def get_takedown(
    services: CurrentServices,
    case: str,
    x_case_pin: Annotated[str, Header(max_length=64, description="The PIN of the case.")],
    address: CallerAddress,
) -> CaseStatus:
    """Needs the PIN that filing the notice returned."""
    return await run_in_thread(services.image_threads, _status, services.installation, case, x_case_pin, address)


def _receive(installation: Installation, notice: Notice, copy: bytes | None, sender: Sender) -> TakedownReceipt:
    image = decode(copy, installation.limits) if copy is not None else None
    return installation.takedowns.receive(notice, image, sender)


def _status(installation: Installation, case: str, pin: str, address: str) -> CaseStatus:
    return installation.pins.check(case, address, pin, partial(installation.takedowns.status, case, pin))


async def _parts(request: Request) -> tuple[bytes, bytes | None]:
    """The notice as JSON, and the bytes of the image if one was sent."""
    if not is_form(request):
        return await request.body(), None
    async with form_of(request, 1) as form:
        notice, file = form.get("notice"), form.get("file")
        named = all(name == "file" for name, part in form.multi_items() if isinstance(part, UploadFile))
        if not isinstance(notice, str) or isinstance(file, str) or not named:
            raise BadRequest(
                "the form has missing or unknown parts",
                hint="Send a text field `notice` with the JSON and, if you have a copy, a file named `file`.",
            )
        return notice.encode("utf-8", "replace"), await file.read() if isinstance(file, UploadFile) else None


def _notice(text: bytes) -> Notice:
    if len(text) > LARGEST_JSON:
        raise TooLarge(f"a notice has at most {LARGEST_JSON:,} bytes")
    try:
        return Notice.model_validate_json(text)
    except ValidationError as invalid:
        # Without names that the sender made up: a notice is about people.
        raise BadRequest(first_fault(invalid.errors(include_input=False, include_url=False))) from None
