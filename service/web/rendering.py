"""Responses that are pages: their words, their links, and what a browser may do with them."""

import asyncio
from collections.abc import Mapping
from types import MappingProxyType

from fastapi import Request
from fastapi.responses import HTMLResponse

from service.api.dependencies import services_of
from service.installation import Installation
from service.kit.errors import BadRequest
from service.presentation.messages import NAMES, Messages, chosen_language, messages
from service.presentation.templates import environment
from service.web import assets

EXAMINE, GENERATE, APPEAL, OPERATOR = "/", "/generate", "/appeal", "/operator"
PATHS = (EXAMINE, GENERATE, APPEAL, OPERATOR)
"""The addresses of pages. Errors there, and below the last, are pages, too."""

PAGE_HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "Content-Security-Policy": (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
            "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
        ),
        "Referrer-Policy": "same-origin",  # so that a form says in Origin which site it is from
        "Vary": "Accept-Language",
    }
)
"""What a page needs beyond SECURITY_HEADERS: its own files and forms, and pictures that are part of it."""

_SAME_SITE = ("same-origin", "none")


def is_page(path: str) -> bool:
    """Whether what is answered there is a page."""
    return path in PATHS or path.startswith(f"{OPERATOR}/")


def words_of(request: Request) -> Messages:
    """The words of the reader's language: `?lang=` if given, else as the browser prefers."""
    asked = request.query_params.get("lang")
    return messages(chosen_language(asked, request.headers.get("accept-language", "")))


def page(
    request: Request,
    template: str,
    values: Mapping[str, object],
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> HTMLResponse:
    """A page of `templates/` with `values`, in the reader's language."""
    words = words_of(request)
    installation = services_of(request.app).installation
    root = request.scope.get("root_path", "")
    path = request.url.path.removeprefix(root)
    body = (
        environment("service.web")
        .get_template(template)
        .render(
            words=words,
            languages=NAMES,
            provider=installation.settings.provider,
            generates=installation.generates,
            here=_here(path),
            root=root,
            query=language_query(request),
            assets={name: f"{root}{address}" for name, address in assets.addresses().items()},
            **values,
        )
    )
    return HTMLResponse(body, status, {**PAGE_HEADERS, **(headers or {})})


def language_query(request: Request) -> str:
    """What keeps the language that the reader chose, in a link."""
    asked = request.query_params.get("lang")
    return f"?lang={asked}" if asked in NAMES else ""


def _here(path: str) -> str:
    """The page that a reader is on: what the form of a page answers belongs to it."""
    if path.startswith(OPERATOR):
        return OPERATOR
    return EXAMINE if path == EXAMINE else GENERATE


async def keys_needed(installation: Installation) -> bool:
    """Whether an order needs a tenant's key. Raises Unavailable."""
    return await asyncio.to_thread(installation.orders_need_key)


def check_same_site(request: Request) -> None:
    """Raises BadRequest for a form that another site's page sent in a reader's name.

    Whoever reaches a server on their own machine may order as its operator, without any cookie.
    """
    sent_from = request.headers.get("sec-fetch-site")
    if sent_from is None:  # an old browser, plain HTTP beyond this machine, or a program
        origin = request.headers.get("origin")
        same = origin is None or origin.partition("://")[2] == request.headers.get("host", "")
    else:
        same = sent_from in _SAME_SITE
    if not same:
        raise BadRequest("the form was sent by a page of another site", hint="Open this page itself and send it again.")
