"""The form on a refusal that asks a person to decide: an appeal, as `POST /v1/appeals` takes it."""

import asyncio

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from pydantic import ValidationError

from service.api.dependencies import CurrentInstallation
from service.kit.errors import BadRequest, first_fault
from service.moderation.appeals import Appeal
from service.web.form_texts import read_texts
from service.web.rendering import APPEAL, check_same_site, page

router = APIRouter(include_in_schema=False)


@router.post(APPEAL)
async def appeal(request: Request, installation: CurrentInstallation) -> HTMLResponse:
    """The number of the appeal, which is the key to its status.

    Raises:
        BadRequest: the form was not sent by this page, or is incomplete.
        NotFound: there is no such refusal.
    """
    check_same_site(request)
    sent = await read_texts(request)
    try:
        filed = Appeal(
            about="refusal",
            subject=sent.get("content_id", ""),
            statement=sent.get("statement", ""),
            contact=sent.get("contact", ""),
        )
    except ValidationError as invalid:
        raise BadRequest(first_fault(invalid.errors(include_input=False, include_url=False))) from None
    status = await asyncio.to_thread(installation.appeals.file, filed)
    return page(request, "appeal.html", {"number": status.id}, status=201)
