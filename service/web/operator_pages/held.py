"""Images that wait for a review: look, release or refuse, as `countermark review` does."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from service.api.dependencies import CurrentInstallation
from service.kit.errors import BadRequest
from service.media.pictures import encode
from service.presentation.report_view import data_url
from service.web.operator_pages.session import CurrentAct, CurrentOperator, operator_page, redirect
from service.web.rendering import OPERATOR

router = APIRouter(include_in_schema=False)

_PATH = f"{OPERATOR}/held"


@router.get(_PATH)
def list_held(request: Request, installation: CurrentInstallation, operator: CurrentOperator) -> HTMLResponse:
    """Those that wait, oldest first, without their pictures."""
    values = {"images": list(installation.review_queue.queue())}
    return operator_page(request, operator, "held.html", values, "held")


@router.post(_PATH + "/look")
def look(request: Request, installation: CurrentInstallation, act: CurrentAct) -> HTMLResponse:
    """One image, to be decided on. That it was looked at is recorded.

    Raises:
        NotFound, Gone, Misconfigured, Unavailable: as `ReviewQueue.look`.
    """
    number = act.text("content_id")
    picture = encode(installation.review_queue.look(number, act.operator.name).rgb, "png")[0]
    image = next((each for each in installation.review_queue.queue() if each.id == number), None)
    values = {"image": image, "content_id": number, "picture": data_url("image/png", picture)}
    return operator_page(request, act.operator, "held_image.html", values, "held")


@router.post(_PATH + "/decide")
def decide(request: Request, installation: CurrentInstallation, act: CurrentAct) -> Response:
    """Release the image to whoever ordered it, or refuse and erase it.

    Raises:
        BadRequest: no decision, no reason, or it was decided before.
        NotFound, Gone, Misconfigured, Unavailable: as `ReviewQueue.release`.
    """
    queue = installation.review_queue
    acts = {"release": queue.release, "refuse": queue.refuse}
    decision = act.text("decision")
    if decision not in acts:
        raise BadRequest("the form says neither release nor refuse")
    acts[decision](act.text("content_id"), act.operator.name, act.text("reason"))
    return redirect(request, "/held", f"held_{decision}")
