"""The page at `/`: files in, and for each what it claims, carries, matches and probably is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from starlette.datastructures import FormData, UploadFile

from service.access.client import Client
from service.api import public_examination
from service.api.capacity import drop_on_disconnect, run_in_thread
from service.api.dependencies import CurrentExamination, CurrentServices
from service.api.forms import form_of, is_form
from service.api.json_bodies import image_in
from service.api.key_limits import take
from service.api.keys import examiner_of
from service.api.problems import headers_of
from service.api.uploads import Upload
from service.examiner.examiner import Examiner
from service.kit.errors import BadRequest, InputError, QuotaExceeded, RateLimited, ScopeMissing, Unauthorized
from service.kit.settings import Settings
from service.presentation.messages import Messages
from service.presentation.report_page import illustrated_page
from service.presentation.report_view import ReportView, data_url, view
from service.web.error_view import ErrorView, of_error
from service.web.rendering import EXAMINE, check_same_site, page, words_of

router = APIRouter(include_in_schema=False)

MOST_FILES = 10
_TEMPLATE = "examine.html"


@dataclass(frozen=True, slots=True)
class Examined:
    """A report as the page shows it, and as files to keep: `data:` URLs."""

    report: ReportView
    html: str
    json: str


@dataclass(frozen=True, slots=True)
class _Sent:
    files: Sequence[Upload]
    key: str | None


@router.get(EXAMINE)
async def form(request: Request, services: CurrentServices) -> HTMLResponse:
    """The empty form."""
    return _page(request, services.installation.settings)


@router.post(EXAMINE)
async def examine(request: Request, services: CurrentServices, examination: CurrentExamination) -> HTMLResponse:
    """The form, and a result for each file in order. The files are not kept.

    One file is examined after the other, so a form takes no more of the server than one file does.
    """
    check_same_site(request)
    installation, words = services.installation, words_of(request)
    sent = await _read(request, installation.settings)
    try:
        client = await examiner_of(request, installation, sent.key)
        if not sent.files:
            return _page(request, installation.settings, status=BadRequest.status, notice=words("examine.no_files"))
        examination.take(1)
        public_examination.count(services, client, request, len(sent.files))
        await take(request, installation, client, "examinations", len(sent.files))
    except (Unauthorized, ScopeMissing, RateLimited, QuotaExceeded) as refused:
        shown = of_error(refused, request.state.request_id, words)
        headers = headers_of(refused)
        return _page(request, installation.settings, status=refused.status, results=[shown], headers=headers)
    examine = partial(_examine_all, installation.examiner, client)
    examined = run_in_thread(services.image_threads, examine, sent.files, words, request.state.request_id)
    results, status = await drop_on_disconnect(request, examined)
    return _page(request, installation.settings, status=status, results=results)


def _page(
    request: Request,
    settings: Settings,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **values: object,
) -> HTMLResponse:
    limits = {"most": MOST_FILES, "most_bytes": settings.max_bytes, "needs_key": settings.examiner_needs_key}
    return page(request, _TEMPLATE, {"results": (), "notice": None, **limits, **values}, status=status, headers=headers)


async def _read(request: Request, settings: Settings) -> _Sent:
    """The form's files: chosen ones, and an image of the page that generates. Raises BadRequest."""
    if not is_form(request):
        raise BadRequest("the request is not a form", hint="Send a form with files named `file`.")
    async with form_of(request, MOST_FILES, most_text=settings.max_bytes) as form:
        chosen = [part for part in form.getlist("file") if isinstance(part, UploadFile)]
        files = [(await part.read(), part.filename or "-") for part in chosen]
        files = [(data, name) for data, name in files if data or name != "-"]  # what a form without a choice sends
        image, name = _text(form, "image"), _text(form, "name")
        if image:
            files.append((image_in(image, "image"), name or "-"))
        return _Sent(files, _text(form, "key") or None)


def _text(form: FormData, name: str) -> str:
    value = form.get(name)
    return value if isinstance(value, str) else ""


def _examine_all(
    examiner: Examiner, client: Client, files: Sequence[Upload], words: Messages, request_id: str
) -> tuple[list[Examined | ErrorView], int]:
    """The results, and the status: that of the first error if there is nothing else.

    Raises:
        Unavailable: the ledger does not answer.
    """
    results, failures = list[Examined | ErrorView](), list[int]()
    for data, name in files:
        try:
            results.append(_examined(examiner, client, data, name, words))
        except InputError as unreadable:
            failures.append(unreadable.status)
            results.append(of_error(unreadable, request_id, words, name))
    return results, failures[0] if len(failures) == len(results) else 200


def _examined(examiner: Examiner, client: Client, data: bytes, name: str, words: Messages) -> Examined:
    illustrated = public_examination.illustrated_for(client, examiner.illustrate(data, name))
    html = illustrated_page(illustrated, words.language)
    return Examined(
        report=view(illustrated, words),
        html=data_url("text/html", html.encode()),
        json=data_url("application/json", illustrated.report.model_dump_json(indent=2).encode()),
    )
