"""Takedown notices with their clocks: read and decide, as `countermark takedowns` does."""

import datetime as dt
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from service.api.dependencies import CurrentInstallation
from service.kit.clock import utc_now
from service.kit.errors import BadRequest
from service.moderation.notices import Case, Decided
from service.web.operator_pages.session import CurrentAct, CurrentOperator, operator_page, redirect
from service.web.rendering import OPERATOR

router = APIRouter(include_in_schema=False)

_PATH = f"{OPERATOR}/takedowns"


@dataclass(frozen=True, slots=True)
class CaseView:
    """A notice, and the whole hours until it is due; negative: since then. None once it is decided."""

    case: Case
    hours: int | None


@router.get(_PATH)
def list_cases(request: Request, installation: CurrentInstallation, operator: CurrentOperator) -> HTMLResponse:
    """Open notices by their due time, without personal data."""
    values = {"cases": [_view(case) for case in installation.takedowns.list()]}
    return operator_page(request, operator, "takedowns.html", values, "takedowns")


@router.post(_PATH + "/read")
def read_case(request: Request, installation: CurrentInstallation, act: CurrentAct) -> HTMLResponse:
    """A notice with its signature, statement and contact. A form and not a link: its address is in no history.

    Raises NotFound.
    """
    case, personal = installation.takedowns.show(act.text("case"))
    values = {"view": _view(case), "personal": {name: text for name, text in personal.items() if text}}
    return operator_page(request, act.operator, "takedown.html", values, "takedowns")


@router.post(_PATH + "/decide")
def decide(request: Request, installation: CurrentInstallation, act: CurrentAct) -> Response:
    """Keep the image blocked, or unblock it. Raises NotFound, BadRequest as `Takedowns.resolve`."""
    outcome = act.text("decision")
    if outcome not in ("removed", "rejected"):
        raise BadRequest("the form says neither removed nor rejected")
    decided: Decided = "removed" if outcome == "removed" else "rejected"
    installation.takedowns.resolve(act.text("case"), decided, act.operator.name, act.text("reason"))
    return redirect(request, "/takedowns", f"takedown_{decided}")


def _view(case: Case) -> CaseView:
    if case.decided is not None:
        return CaseView(case, None)
    left = dt.datetime.fromisoformat(case.due_at) - utc_now()
    return CaseView(case, int(left.total_seconds() / 3600))
