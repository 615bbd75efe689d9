"""Appeals: read and decide, as `countermark appeals` does."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from service.api.dependencies import CurrentInstallation
from service.kit.errors import BadRequest
from service.moderation.appeals import Outcome
from service.web.operator_pages.session import CurrentAct, CurrentOperator, operator_page, redirect
from service.web.rendering import OPERATOR

router = APIRouter(include_in_schema=False)

_PATH = f"{OPERATOR}/appeals"


@router.get(_PATH)
def list_appeals(request: Request, installation: CurrentInstallation, operator: CurrentOperator) -> HTMLResponse:
    """Open appeals with what people wrote, oldest first."""
    return operator_page(request, operator, "appeals.html", {"appeals": list(installation.appeals.list())}, "appeals")


@router.post(_PATH + "/decide")
def decide(request: Request, installation: CurrentInstallation, act: CurrentAct) -> Response:
    """Uphold the decision, or overturn it. Raises NotFound, BadRequest as `Appeals.resolve`."""
    decision = act.text("decision")
    if decision not in ("upheld", "overturned"):
        raise BadRequest("the form says neither upheld nor overturned")
    outcome: Outcome = "upheld" if decision == "upheld" else "overturned"
    installation.appeals.resolve(act.text("appeal"), outcome, act.operator.name, act.text("reason"))
    return redirect(request, "/appeals", f"appeal_{outcome}")
