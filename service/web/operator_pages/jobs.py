"""Jobs of everybody, newest first: how far they are, and a way to stop one."""

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from service.api.dependencies import CurrentInstallation
from service.storage import ENDED
from service.web.operator_pages.session import CurrentAct, CurrentOperator, operator_page, redirect
from service.web.rendering import OPERATOR

router = APIRouter(include_in_schema=False)
log = structlog.get_logger()

_PATH = f"{OPERATOR}/jobs"
_MOST = 50


@router.get(_PATH)
def list_jobs(request: Request, installation: CurrentInstallation, operator: CurrentOperator) -> HTMLResponse:
    """The newest fifty. What they ask for is not shown: it is encrypted, and whose they are may read it."""
    values = {"jobs": list(installation.jobs.newest(_MOST)), "ended": ENDED}
    return operator_page(request, operator, "jobs.html", values, "jobs")


@router.post(_PATH + "/stop")
def stop_job(request: Request, installation: CurrentInstallation, act: CurrentAct) -> Response:
    """Cancel a job that waits, or ask the one that works on it to stop. Raises NotFound."""
    job = installation.jobs.stop(act.text("job"))
    log.info("job_stopped_by_operator", job=job.id, operator=act.operator.name)
    return redirect(request, "/jobs", "job_stopped")
