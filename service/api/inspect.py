"""POST /v1/inspect: an image in, a report out."""

from fastapi import APIRouter, Request

from service.api import public_examination
from service.api.capacity import drop_on_disconnect, run_in_thread
from service.api.dependencies import CurrentExamination, CurrentServices
from service.api.failures import EXAMINE
from service.api.key_limits import take
from service.api.keys import CurrentExaminer
from service.api.openapi import failures
from service.api.uploads import ANY_FILE, file_and_manifest
from service.examiner.report import Report

router = APIRouter(tags=["examiner"])


@router.post(
    "/v1/inspect",
    operation_id="inspect_image",
    summary="Report what an image claims, carries, matches and probably is",
    responses=failures(*EXAMINE),
    openapi_extra={"requestBody": ANY_FILE},
)
async def inspect_image(
    request: Request, services: CurrentServices, client: CurrentExaminer, examination: CurrentExamination
) -> Report:
    """The same report as `countermark inspect --json`. The file is not kept.

    Without a key, where there are tenants, figures of our watermark are rounded, and requests are counted. Where the
    examiner is open to the public, such a report names systems and no people.
    """
    public_examination.count(services, client, request)
    (data, name), manifest = await file_and_manifest(request)
    examination.take(1)
    await take(request, services.installation, client, "examinations", 1)
    examine = services.installation.examiner.examine
    work = run_in_thread(services.image_threads, examine, data, name, manifest=manifest)
    return public_examination.shown_to(client, await drop_on_disconnect(request, work))
