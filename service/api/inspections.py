"""POST /v1/inspections: many files in, a job that examines them out."""

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from starlette.datastructures import UploadFile

from service.api.capacity import run_in_thread
from service.api.dependencies import CurrentExamination, CurrentServices, Services
from service.api.failures import TAKE_ON_INSPECTION
from service.api.forms import BINARY, form_body, form_of, is_form
from service.api.idempotency import KEY_HEADER, BatchRoute
from service.api.job_submission import ACCEPTED, number_of, take_on
from service.api.keys import BatchClient
from service.api.openapi import failures
from service.jobs.inspection_jobs import inspection_parts
from service.jobs.queue import NewJob
from service.jobs.schemas import Job
from service.kit.errors import BadRequest, TooLarge
from service.media.archive_parser import LONGEST_NAME
from service.media.archives import ArchiveLimits, is_archive, unpack

router = APIRouter(tags=["examiner"], route_class=BatchRoute)

PATH = "/v1/inspections"
MOST_FILES = 1000
_ARCHIVES = ("application/zip", "application/x-tar", "application/gzip", "application/octet-stream")
_FILES = {
    "type": "array",
    "items": BINARY,
    "minItems": 1,
    "maxItems": MOST_FILES,
    "description": "Files of any kind, or archives of files.",
}
_BODY = form_body({"file": _FILES}, required=["file"])
_BODY["description"] = (
    f"A form with up to {MOST_FILES:,} parts named `file`, or an archive (ZIP, or TAR with or without compression) as "
    "the body or among the parts. Archives are unpacked; those inside them are not."
)
_BODY["content"] |= {kind: {"schema": BINARY} for kind in _ARCHIVES}


@router.post(
    PATH,
    status_code=202,
    operation_id="inspect_images",
    summary="Report on many files, in a job",
    response_model=Job,
    responses={202: {**ACCEPTED, "description": "The job."}, **failures(*TAKE_ON_INSPECTION)},
    dependencies=KEY_HEADER,
    openapi_extra={"requestBody": _BODY},
)
async def inspect_images(
    request: Request, services: CurrentServices, client: BatchClient, examination: CurrentExamination
) -> JSONResponse:
    """The result has one line for each file: the report of `/v1/inspect`, or why there is none. The files are stored,
    encrypted, until they are examined."""
    sent = await _sent(request)
    examination.take(1)  # unpacking takes a worker as an examination does
    files = await run_in_thread(services.image_threads, _unpacked, services, sent)
    new = NewJob("inspection", len(files), dict(inspection_parts(files)), number_of(request))
    return await take_on(request, services, client, new, "examinations")


async def _sent(request: Request) -> list[tuple[str, bytes]]:
    """The files of the request, by name and bytes. Raises BadRequest."""
    if not is_form(request):
        return [("-", await request.body())]
    async with form_of(request, MOST_FILES) as form:
        parts = form.multi_items()
        if not parts or not all(name == "file" and isinstance(part, UploadFile) for name, part in parts):
            raise BadRequest("the form must have files alone, named `file`", hint="Send each file as a part `file`.")
        return [
            ((part.filename or "-")[-LONGEST_NAME:], await part.read())
            for _, part in parts
            if isinstance(part, UploadFile)
        ]


def _unpacked(services: Services, sent: list[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    """The files, with archives replaced by what is in them. Raises BadRequest, TooLarge, BrokenArchive, Unavailable."""
    settings, limits = services.installation.settings, services.installation.limits
    files: list[tuple[str, bytes]] = []
    left = settings.batch_bytes
    for name, data in sent:
        if is_archive(data):
            allowed = ArchiveLimits(MOST_FILES - len(files), settings.max_bytes, left)
            folder = "" if name == "-" else f"{name}/"
            found = [(f"{folder}{inner}"[-LONGEST_NAME:], inside) for inner, inside in unpack(data, allowed, limits)]
        else:
            found = [(name, data)]
        files += found
        left -= sum(len(inside) for _, inside in found)
        if len(files) > MOST_FILES or left < 0:
            raise TooLarge(
                f"a batch has at most {MOST_FILES:,} files and {settings.batch_bytes:,} bytes", hint="Send several."
            )
    return files
