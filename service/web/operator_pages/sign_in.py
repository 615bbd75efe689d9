"""Signing in and out."""

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from service.api.dependencies import CurrentInstallation
from service.api.problems import headers_of
from service.kit.errors import ScopeMissing, Unauthorized
from service.web.error_view import of_error
from service.web.form_texts import read_texts
from service.web.operator_pages.session import COOKIE, CurrentAct, begin, end
from service.web.rendering import OPERATOR, check_same_site, page, words_of

router = APIRouter(include_in_schema=False)


@router.post(f"{OPERATOR}/sign-in")
async def sign_in(request: Request, installation: CurrentInstallation) -> Response:
    """A session for a key with the scope `admin`. The key is not stored, and not shown again.

    Raises:
        BadRequest: the form was not sent by this page, or cannot be read.
    """
    check_same_site(request)
    sent = await read_texts(request)
    try:
        token = await run_in_threadpool(installation.operator_sessions.sign_in, sent.get("key", "").strip())
    except (Unauthorized, ScopeMissing) as refused:
        error = of_error(refused, request.state.request_id, words_of(request))
        values = {"ended": False, "error": error}
        return page(request, "operator/sign_in.html", values, status=refused.status, headers=headers_of(refused))
    return begin(request, token)


@router.post(f"{OPERATOR}/sign-out")
def sign_out(request: Request, installation: CurrentInstallation, _act: CurrentAct) -> Response:
    """End the session, here and in the database."""
    installation.operator_sessions.sign_out(request.cookies[COOKIE])
    return end(request)
