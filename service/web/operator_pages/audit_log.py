"""Decisions, newest first, and the checkpoint that others check them with."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from service.api.dependencies import CurrentInstallation
from service.web.operator_pages.session import CurrentOperator, operator_page
from service.web.rendering import OPERATOR

router = APIRouter(include_in_schema=False)

_MOST = 50


@router.get(f"{OPERATOR}/audit")
def audit_log(
    request: Request,
    installation: CurrentInstallation,
    operator: CurrentOperator,
    before: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
) -> HTMLResponse:
    """Fifty decisions, and the checkpoint of now. They hold ids and digests, and nothing personal."""
    decisions = installation.ledger.latest(_MOST, before)
    values = {
        "decisions": decisions,
        "older": decisions[-1].seq if decisions and decisions[-1].seq > 1 else None,
        "checkpoint": str(installation.publisher.latest().note),
        "log_key": str(installation.log.verifier),
    }
    return operator_page(request, operator, "audit_log.html", values, "audit")
