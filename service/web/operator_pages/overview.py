"""The first of the operator's pages: how it stands, and what waits for a decision."""

from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from service.api.dependencies import CurrentServices, Services
from service.kit.clock import stamp
from service.kit.errors import Unavailable
from service.web.operator_pages.session import CurrentOperator, operator_page
from service.web.rendering import OPERATOR

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Overview:
    """Figures of this moment. `orders` and `examinations` are those in progress, of this process, `jobs` of all.
    `closed` says why nothing may be released, if that is so."""

    held: int
    takedowns: int
    overdue: int
    appeals: int
    orders: int
    most_orders: int
    examinations: int
    jobs: int
    generates: bool
    decisions: int
    unrecorded: int
    checkpoints: str
    closed: str | None
    certificate_until: str
    warnings: tuple[str, ...]


@router.get(OPERATOR)
def overview(request: Request, services: CurrentServices, operator: CurrentOperator) -> HTMLResponse:
    """Raises Unavailable: the ledger does not answer."""
    return operator_page(request, operator, "overview.html", {"now": _overview(services)}, "overview")


def _overview(services: Services) -> Overview:
    installation, orders, files = services.installation, services.order_capacity, services.examination_capacity
    cases = list(installation.takedowns.list())
    checkpoints, closed = "closed", None
    try:
        checkpoints = installation.publisher.status()
    except Unavailable as fault:
        closed = fault.message
    return Overview(
        held=len(list(installation.review_queue.queue())),
        takedowns=len(cases),
        overdue=sum(case.overdue for case in cases),
        appeals=len(list(installation.appeals.list())),
        orders=orders.capacity - orders.available,
        most_orders=orders.capacity,
        examinations=files.capacity - files.available,
        jobs=installation.jobs.unfinished(),
        generates=installation.generates,
        decisions=installation.ledger.ready(),
        unrecorded=installation.ledger.unrecorded_refusals,
        checkpoints=checkpoints,
        closed=closed,
        certificate_until=stamp(installation.signing.not_after),
        warnings=tuple(installation.warnings()),
    )
